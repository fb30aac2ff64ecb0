"""Keeping saved filters of contacts' events."""

from contracts.ids import derive_id, new_id
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.docstore import Fate, Page
from tickets.contacts.contact_event_filter_store import ContactEventFilterStore
from tickets.contacts.contact_event_filters import FILTERS_PER_ACCOUNT, ContactEventFilter, EventChoice
from tickets.people.people_problems import too_many
from tickets.ticket.ticket_problems import no_such


class ContactEventFilters:
    """The filters of an account."""

    def __init__(self, filters: ContactEventFilterStore, clock: Clock) -> None:
        self._filters = filters
        self._clock = clock

    async def page(self, principal: Principal, *, limit: int, cursor: str | None) -> Page[ContactEventFilter]:
        """All, by name."""
        return await self._filters.page(principal.account_id, limit=limit, cursor=cursor)

    async def get(self, principal: Principal, filter_id: str) -> ContactEventFilter:
        """One filter.

        Raises:
            Problem: there is none of this id.
        """
        found = await self._filters.get(principal.account_id, filter_id)
        if found is None:
            raise no_such("filter")
        return found

    async def create(
        self, principal: Principal, name: str, choice: EventChoice, *, request_id: str | None
    ) -> ContactEventFilter:
        """Add one; the same `request_id` again finds the one it added.

        Raises:
            Problem: there are too many.
        """
        if await self._filters.count(principal.account_id, at_most=FILTERS_PER_ACCOUNT) >= FILTERS_PER_ACCOUNT:
            raise too_many("filters", FILTERS_PER_ACCOUNT)
        now = self._clock.now()
        new = ContactEventFilter(
            id=derive_id("cef", request_id) if request_id else new_id("cef"),
            account_id=principal.account_id,
            name=name,
            sort_name=name.casefold(),
            choice=choice,
            created_at=now,
            updated_at=now,
        )
        return new if await self._filters.insert(new) is Fate.DONE else await self.get(principal, new.id)

    async def change(
        self, principal: Principal, filter_id: str, *, name: str | None, choice: EventChoice | None
    ) -> ContactEventFilter:
        """Change what is given; the last writer wins.

        Raises:
            Problem: there is none of this id.
        """
        while True:
            before = await self.get(principal, filter_id)
            said = {"name": name, "sort_name": name.casefold() if name else None, "choice": choice}
            update = {field: value for field, value in said.items() if value is not None}
            after = before.model_copy(update={**update, "updated_at": self._clock.now()})
            if await self._filters.replace(after) is Fate.DONE:
                return after

    async def delete(self, principal: Principal, filter_id: str) -> None:
        """Remove one.

        Raises:
            Problem: there is none of this id.
        """
        while await self._filters.delete(await self.get(principal, filter_id)) is not Fate.DONE:
            pass
