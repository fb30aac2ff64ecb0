"""Every query for contacts, their identities and what they did elsewhere.

Whoever reads a contact gets the one that it is now: only the merge itself looks at what a merged one has become.
"""

from collections.abc import Iterable, Mapping, Sequence

from service_kit.docstore import All, Collection, DocStore, Eq, Filter, In, Match, Page, Sort
from service_kit.errors import TransientError
from tickets.contacts.contact_model import ACTIVITIES, CONTACTS, IDENTITIES, Contact, ContactActivity, Identity
from tickets.ticket.stored import Written, written

_READS = 20
_PAGE = 1_000


class ContactsMoving(TransientError):
    """Contacts took part in merges while they were read."""


class ContactStore:
    """Contacts in the document store; whatever asks for an account sees only that account's."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[Contact] = store.collection(CONTACTS)
        self._identities = store.collection(IDENTITIES)
        self._activities = store.collection(ACTIVITIES)

    async def get(self, account_id: str, contact_id: str) -> Contact | None:
        """One contact of this account; of a merged one, that which it is now. One that was erased is there no more."""
        contact = (await self.get_many([contact_id])).get(contact_id)
        is_there = contact is not None and contact.account_id == account_id and contact.erased_at is None
        return contact if is_there else None

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, Contact]:
        """Those that exist, of any account, by the ids asked for; of a merged one, that which it is now.

        Raises:
            ContactsMoving: contacts were merged or unmerged each time they were read.
        """
        wanted = frozenset(ids)
        for _ in range(_READS):
            paths = await self._follow(await self.collection.get_many(wanted))
            ends = _newest(path[-1] for path in paths.values())
            found = {asked: ends[path[-1].id] for asked, path in paths.items()}
            lost = {asked: paths[asked] for asked, contact in found.items() if asked not in contact.ids}
            orphans = await self._orphans(lost) if lost else {}
            if len(orphans) == len(lost):
                return {**found, **orphans}
        raise ContactsMoving(f"{len(wanted)} contacts were merged and unmerged while they were read")

    async def stored(self, contact_id: str) -> Contact | None:
        """One document as it is, of any account: a merged contact's says only where that went."""
        return await self.collection.get(contact_id)

    async def _follow(self, read: Mapping[str, Contact]) -> Mapping[str, Sequence[Contact]]:
        """The contacts on the way from those that were asked for to those that they are now."""
        paths = {asked: [contact] for asked, contact in read.items()}
        moving = {asked: contact.merged_into for asked, contact in read.items() if contact.merged_into is not None}
        while moving:
            targets = await self.collection.get_many(frozenset(moving.values()))
            reached = {asked: targets[target_id] for asked, target_id in moving.items() if target_id in targets}
            for asked, target in reached.items():
                paths[asked].append(target)
            moving = {asked: one.merged_into for asked, one in reached.items() if one.merged_into is not None}
        return paths

    async def _orphans(self, paths: Mapping[str, Sequence[Contact]]) -> dict[str, Contact]:
        """Of contacts that were led to one that does not know them, those that are so for good: it was erased since.

        A merge never leaves it so: if no pointer on the way changed until after its end was read, none was under way.
        """
        passed = {contact.id: contact.rev for path in paths.values() for contact in path[:-1]}
        again = await self.collection.get_many(passed)
        moved = {one for one, rev in passed.items() if one not in again or again[one].rev != rev}
        return {
            asked: path[0].model_copy(update={"merged_into": None, "erased_at": path[-1].erased_at})
            for asked, path in paths.items()
            if moved.isdisjoint(contact.id for contact in path[:-1])
        }

    async def identities(self, ids: Iterable[str]) -> Mapping[str, Identity]:
        """The identities that are known, by id."""
        return await self._identities.get_many(ids)

    async def page(self, account_id: str, text: str | None, *, limit: int, cursor: str | None) -> Page[Contact]:
        """Contacts of an account, those that changed last first, without those that were merged."""
        parts: list[Filter] = [Eq("account_id", account_id), Eq("merged_into", None)]
        if text is not None:
            parts.append(Match(text))
        page = await self.collection.find(
            All(*parts), sort=Sort("updated_at", descending=True), limit=limit, cursor=cursor
        )
        return Page([contact for contact in page.items if contact.erased_at is None], page.next_cursor)

    async def ids_of(self, contact_id: str) -> tuple[str, ...]:
        """Every id that the person behind a contact is known by."""
        contact = (await self.get_many([contact_id])).get(contact_id)
        return contact.ids if contact is not None else (contact_id,)

    async def activities(
        self, contact_id: str, metric: str | None, *, limit: int, cursor: str | None
    ) -> Page[ContactActivity]:
        """What a contact did elsewhere, newest first."""
        parts: list[Filter] = [In("contact_id", await self.ids_of(contact_id))]
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

    async def of_domain(self, account_id: str, domain: str, *, cursor: str | None) -> Page[Identity]:
        """Mail addresses under a domain."""
        where = All(Eq("account_id", account_id), Eq("domain", domain))
        return await self._identities.find(where, limit=_PAGE, cursor=cursor)

    async def forget_identities(self, ids: Iterable[str]) -> None:
        """Delete identities."""
        found = list((await self._identities.get_many(ids)).values())
        if found:
            await self._identities.delete_many(found)

    async def forget_activities(self, contact_id: str) -> None:
        """Delete all that a contact did elsewhere."""
        while found := (await self._activities.find(Eq("contact_id", contact_id), limit=_PAGE)).items:
            await self._activities.delete_many(found)

    async def record_activities(self, activities: Sequence[ContactActivity]) -> None:
        """Keep what contacts did; what is kept already stays."""
        if activities:
            await self._activities.insert_many(activities)


def _newest(contacts: Iterable[Contact]) -> dict[str, Contact]:
    """Each contact as it was read last: it may be both asked for and led to."""
    newest: dict[str, Contact] = {}
    for contact in contacts:
        if contact.id not in newest or contact.rev > newest[contact.id].rev:
            newest[contact.id] = contact
    return newest
