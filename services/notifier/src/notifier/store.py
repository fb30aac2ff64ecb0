"""Every query of notifier about deliveries and short links."""

from collections.abc import Iterable, Sequence

from contracts.deliveries import DeliveryState
from notifier.model import Delivery, ShortLink
from service_kit.docstore import All, Collection, CollectionSpec, DocStore, Eq, Fate, Filter, In, Index, Page, Sort
from service_kit.docstore.every_page import every
from service_kit.errors import TransientError

_DELIVERIES = CollectionSpec(
    name="deliveries",
    model=Delivery,
    indexes=(
        Index(("account_id", "created_at")),
        Index(("account_id", "ticket_id", "created_at")),
        Index(("account_id", "state", "created_at")),
        Index(("account_id", "contact_key")),
        Index(("due_at",)),
        Index(("outbox_since",)),
    ),
)
_LINKS = CollectionSpec(name="short_links", model=ShortLink)
_CLICK_ROUNDS = 5


class DeliveryStore:
    """Deliveries and the links in them."""

    def __init__(self, store: DocStore) -> None:
        self.deliveries: Collection[Delivery] = store.collection(_DELIVERIES)
        self._links = store.collection(_LINKS)

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Insert those that are new; a delivery that exists is the same one."""
        await self.deliveries.insert_many(deliveries)

    async def get(self, delivery_id: str) -> Delivery | None:
        """One delivery."""
        return await self.deliveries.get(delivery_id)

    async def replace(self, delivery: Delivery) -> Delivery | None:
        """The delivery as stored now, or None when somebody else changed it meanwhile."""
        if (await self.deliveries.replace_many([delivery]))[0] is not Fate.DONE:
            return None
        return delivery.model_copy(update={"rev": delivery.rev + 1})

    async def list(
        self, account_id: str, *, ticket_id: str | None, state: DeliveryState | None, limit: int, cursor: str | None
    ) -> Page[Delivery]:
        """An account's deliveries, newest first."""
        parts: list[Filter] = [Eq("account_id", account_id)]
        if ticket_id:
            parts.append(Eq("ticket_id", ticket_id))
        if state:
            parts.append(Eq("state", state))
        sort = Sort("created_at", descending=True)
        return await self.deliveries.find(All(*parts), sort=sort, limit=limit, cursor=cursor)

    async def of_customer(
        self, account_id: str, ticket_ids: Iterable[str], addresses: Iterable[str]
    ) -> Sequence[Delivery]:
        """What was to be sent about tickets, and all that was to be sent to addresses."""
        mine = Eq("account_id", account_id)
        about = await every(self.deliveries, All(mine, In("ticket_id", tuple(ticket_ids))))
        to = await every(self.deliveries, All(mine, In("contact_key", tuple(addresses))))
        return list({one.id: one for one in (*about, *to)}.values())

    async def forget(self, emptied: Sequence[Delivery], codes: Sequence[str]) -> int:
        """Replace deliveries by what remains of them, and delete short links; how many there were.

        Raises:
            TransientError: somebody changed a delivery meanwhile.
        """
        links = list((await self._links.get_many(codes)).values()) if codes else []
        if links:
            await self._links.delete_many(links)
        fates = await self.deliveries.replace_many(emptied) if emptied else ()
        if any(fate is not Fate.DONE for fate in fates):
            raise TransientError("deliveries kept changing under us")
        return len(links) + len(fates)

    async def add_links(self, links: Sequence[ShortLink]) -> None:
        """Remember short links; the same code again is the same link."""
        await self._links.insert_many(links)

    async def follow(self, code: str) -> str | None:
        """The address behind a code, counting the click; under heavy contention a click may go uncounted."""
        link = await self._links.get(code)
        for _ in range(_CLICK_ROUNDS):
            if link is None:
                return None
            counted = link.model_copy(update={"clicks": link.clicks + 1})
            if (await self._links.replace_many([counted]))[0] is Fate.DONE:
                return link.url
            link = await self._links.get(code)
        return link.url if link else None
