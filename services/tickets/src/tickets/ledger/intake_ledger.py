"""Every query for the intake ledger: one entry for each delivery, written once (I2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.intake import Verdict
from contracts.people import Channel
from service_kit.docstore import All, DocStore, Eq, Fate, Filter, In, Page, Sort
from tickets.ledger.intake_entry import INTAKE, IntakeEntry
from tickets.metrics import TicketMetrics


@dataclass(frozen=True, slots=True)
class IntakeQuery:
    """What a list asks for; None does not narrow."""

    account_id: str
    channel: Channel | None = None
    verdict: Verdict | None = None
    mailbox: str | None = None
    provider_message_id: str | None = None

    @property
    def where(self) -> Filter:
        """The query in the language of the store."""
        exact = {
            "channel": self.channel,
            "verdict": self.verdict,
            "mailbox": self.mailbox,
            "provider_message_id": self.provider_message_id,
        }
        parts: list[Filter] = [Eq(field, value) for field, value in exact.items() if value is not None]
        return All(Eq("account_id", self.account_id), *parts)


_PAGE = 1_000


class IntakeLedger:
    """The ledger in the document store."""

    def __init__(self, store: DocStore, metrics: TicketMetrics | None = None) -> None:
        self._entries = store.collection(INTAKE)
        self._metrics = metrics

    async def record(self, entries: Sequence[IntakeEntry]) -> None:
        """Enter verdicts; a delivery that has one keeps it."""
        if not entries:
            return
        fates = await self._entries.insert_many(entries)
        if self._metrics is not None:
            self._metrics.count_verdicts(entry for entry, fate in zip(entries, fates, strict=True) if fate is Fate.DONE)

    async def of_messages(self, account_id: str, provider_message_ids: Sequence[str]) -> Sequence[IntakeEntry]:
        """Every delivery of these messages; a thousand at most."""
        where = All(Eq("account_id", account_id), In("provider_message_id", tuple(provider_message_ids)))
        return (await self._entries.find(where, limit=_PAGE)).items if provider_message_ids else []

    async def replace(self, entries: Sequence[IntakeEntry]) -> None:
        """Change entries; those that somebody else changed meanwhile stay."""
        if entries:
            await self._entries.replace_many(entries)

    async def page(self, query: IntakeQuery, *, limit: int, cursor: str | None) -> Page[IntakeEntry]:
        """Verdicts, newest first."""
        return await self._entries.find(
            query.where, sort=Sort("received_at", descending=True), limit=limit, cursor=cursor
        )
