"""Every query for the intake ledger: one entry for each delivery, written once (I2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.intake import Verdict
from contracts.people import Channel
from service_kit.docstore import All, DocStore, Eq, Filter, Page, Sort
from tickets.model import INTAKE, IntakeEntry


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


class IntakeLedger:
    """The ledger in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._entries = store.collection(INTAKE)

    async def record(self, entries: Sequence[IntakeEntry]) -> None:
        """Enter verdicts; a delivery that has one keeps it."""
        if entries:
            await self._entries.insert_many(entries)

    async def page(self, query: IntakeQuery, *, limit: int, cursor: str | None) -> Page[IntakeEntry]:
        """Verdicts, newest first."""
        return await self._entries.find(
            query.where, sort=Sort("received_at", descending=True), limit=limit, cursor=cursor
        )
