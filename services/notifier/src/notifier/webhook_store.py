"""Every query of notifier about webhooks."""

from collections.abc import Iterable, Sequence

from notifier.webhook_model import Webhook, WebhookDelivery
from service_kit.docstore import All, Collection, CollectionSpec, DocStore, Eq, Fate, In, Index, Page, Sort
from service_kit.docstore.every_page import every

_MOST_WEBHOOKS = 100
_WEBHOOKS = CollectionSpec(name="webhooks", model=Webhook, indexes=(Index(("account_id", "created_at")),))
_DELIVERIES = CollectionSpec(
    name="webhook_deliveries",
    model=WebhookDelivery,
    indexes=(
        Index(("account_id", "webhook_id", "created_at")),
        Index(("account_id", "ticket_id")),
        Index(("due_at",)),
    ),
)


class WebhookStore:
    """Webhooks and their deliveries."""

    def __init__(self, store: DocStore) -> None:
        self._webhooks = store.collection(_WEBHOOKS)
        self.deliveries: Collection[WebhookDelivery] = store.collection(_DELIVERIES)

    async def of_account(self, account_id: str) -> Sequence[Webhook]:
        """All webhooks of an account, oldest first."""
        return (await self.page(account_id, limit=_MOST_WEBHOOKS, cursor=None)).items

    async def page(self, account_id: str, *, limit: int, cursor: str | None) -> Page[Webhook]:
        """The same, page by page."""
        return await self._webhooks.find(
            Eq("account_id", account_id), sort=Sort("created_at"), limit=limit, cursor=cursor
        )

    async def one(self, account_id: str, webhook_id: str) -> Webhook | None:
        """One webhook, if it is this account's."""
        webhook = await self._webhooks.get(webhook_id)
        return webhook if webhook and webhook.account_id == account_id else None

    async def add(self, webhook: Webhook) -> bool:
        """Add a webhook unless the account has as many as it may."""
        if await self._webhooks.count(Eq("account_id", webhook.account_id)) >= _MOST_WEBHOOKS:
            return False
        await self._webhooks.insert_many([webhook])
        return True

    async def replace(self, webhook: Webhook) -> bool:
        """Whether the webhook was still as it was read."""
        return (await self._webhooks.replace_many([webhook]))[0] is Fate.DONE

    async def delete(self, webhook: Webhook) -> bool:
        """Whether the webhook was still as it was read."""
        return (await self._webhooks.delete_many([webhook]))[0] is Fate.DONE

    async def add_deliveries(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Insert those that are new; an event reaches a webhook once."""
        if deliveries:
            await self.deliveries.insert_many(deliveries)

    async def deliveries_of(self, webhook: Webhook, *, limit: int, cursor: str | None) -> Page[WebhookDelivery]:
        """What was sent to a webhook, newest first."""
        mine = All(Eq("account_id", webhook.account_id), Eq("webhook_id", webhook.id))
        return await self.deliveries.find(mine, sort=Sort("created_at", descending=True), limit=limit, cursor=cursor)

    async def forget(self, account_id: str, ticket_ids: Iterable[str]) -> int:
        """Delete what told of tickets, sent or not; how many that was. One being sent now is left to the next call."""
        about = All(Eq("account_id", account_id), In("ticket_id", tuple(ticket_ids)))
        found = await every(self.deliveries, about)
        if found:
            await self.deliveries.delete_many(found)
        return len(found)
