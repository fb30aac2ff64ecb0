"""Every query for contacts, their identities and what they did elsewhere."""

from collections.abc import Iterable, Mapping, Sequence

from service_kit.docstore import All, Collection, DocStore, Eq, Filter, Match, Page, Sort
from tickets.contact_model import ACTIVITIES, CONTACTS, IDENTITIES, Contact, ContactActivity, Identity
from tickets.stored import Written, written


class ContactStore:
    """Contacts in the document store; whatever asks for an account sees only that account's."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[Contact] = store.collection(CONTACTS)
        self._identities = store.collection(IDENTITIES)
        self._activities = store.collection(ACTIVITIES)

    async def get(self, account_id: str, contact_id: str) -> Contact | None:
        """One contact of this account."""
        contact = await self.collection.get(contact_id)
        return contact if contact is not None and contact.account_id == account_id else None

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, Contact]:
        """Those that exist, of any account."""
        return await self.collection.get_many(ids)

    async def identities(self, ids: Iterable[str]) -> Mapping[str, Identity]:
        """The identities that are known, by id."""
        return await self._identities.get_many(ids)

    async def page(self, account_id: str, text: str | None, *, limit: int, cursor: str | None) -> Page[Contact]:
        """Contacts of an account, those that changed last first."""
        parts: list[Filter] = [Eq("account_id", account_id)]
        if text is not None:
            parts.append(Match(text))
        return await self.collection.find(
            All(*parts), sort=Sort("updated_at", descending=True), limit=limit, cursor=cursor
        )

    async def activities(
        self, contact_id: str, metric: str | None, *, limit: int, cursor: str | None
    ) -> Page[ContactActivity]:
        """What a contact did elsewhere, newest first."""
        parts: list[Filter] = [Eq("contact_id", contact_id)]
        if metric is not None:
            parts.append(Eq("metric", metric))
        return await self._activities.find(All(*parts), sort=Sort("at", descending=True), limit=limit, cursor=cursor)

    async def insert_identities(self, identities: Sequence[Identity]) -> Written[Identity]:
        """Add identities; lost where one is known already."""
        return written(identities, await self._identities.insert_many(identities))

    async def write(self, contacts: Sequence[Contact]) -> Written[Contact]:
        """Insert those that were never stored, replace the others; lost where somebody else was faster."""
        new = [contact for contact in contacts if contact.rev == 0]
        known = [contact for contact in contacts if contact.rev > 0]
        inserted = written(new, await self.collection.insert_many(new) if new else ())
        replaced = written(known, await self.collection.replace_many(known) if known else ())
        return Written([*inserted.done, *replaced.done], inserted.lost | replaced.lost)

    async def record_activities(self, activities: Sequence[ContactActivity]) -> None:
        """Keep what contacts did; what is kept already stays."""
        if activities:
            await self._activities.insert_many(activities)
