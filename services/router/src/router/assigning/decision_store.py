"""Every query for decisions."""

from collections.abc import Sequence

from contracts.envelope import Event
from contracts.routing import AssignmentDecided
from router.assigning.decisions import DECISIONS, DecisionRecord, decision_record
from service_kit.docstore import All, DocStore, Eq, Page, Sort


class DecisionStore:
    """Decisions in the document store. Every read names the account."""

    def __init__(self, store: DocStore) -> None:
        self._decisions = store.collection(DECISIONS)

    async def keep(self, events: Sequence[Event]) -> Sequence[Event]:
        """Keep the decisions among `events`, and hand all of them on.

        The outbox calls this whenever it is about to publish, handler and relay alike: a decision can thus be
        explained before anybody learns of it, and only decisions that were really made are kept.
        """
        made = [decision_record(event) for event in events if isinstance(event, AssignmentDecided)]
        if made:
            await self._decisions.insert_many(made)
        return events

    async def of_ticket(
        self, account_id: str, ticket_id: str, *, limit: int, cursor: str | None
    ) -> Page[DecisionRecord]:
        """The decisions about one ticket, oldest first."""
        about = All(Eq("account_id", account_id), Eq("ticket_id", ticket_id))
        return await self._decisions.find(about, sort=Sort("at"), limit=limit, cursor=cursor)
