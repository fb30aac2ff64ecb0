"""Keeping drafts, and forgetting them once they were sent (L6)."""

import structlog

from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.docstore import Fate, Page
from service_kit.errors import TransientError
from service_kit.problem import Problem
from tickets.ticket.desk import Desk
from tickets.ticket.ticket_problems import agent_needed, no_such, require_unmerged
from tickets.writing.saved_draft_store import SavedDraftStore
from tickets.writing.saved_drafts import DRAFTS_PER_AGENT, DraftKind, SavedDraft, Written, begun, rewritten

logger = structlog.get_logger()


class SavedDrafts:
    """The drafts of whoever asks; nobody else's can be asked for.

    Raises (every method):
        Problem: the caller is no agent, or there is no such ticket.
    """

    def __init__(self, drafts: SavedDraftStore, desk: Desk, clock: Clock) -> None:
        self._drafts = drafts
        self._desk = desk
        self._clock = clock

    async def get(self, principal: Principal, ticket_id: str) -> SavedDraft:
        """The draft in a ticket.

        Raises:
            Problem: there is none.
        """
        agent_id = _agent_of(principal)
        await self._desk.load(principal.account_id, ticket_id)
        draft = await self._drafts.find(principal.account_id, agent_id, ticket_id)
        if draft is None:
            raise no_such("draft")
        return draft

    async def page(self, principal: Principal, *, limit: int, cursor: str | None) -> Page[SavedDraft]:
        """All of them, the latest first."""
        return await self._drafts.page(principal.account_id, _agent_of(principal), limit=limit, cursor=cursor)

    async def put(self, principal: Principal, ticket_id: str, written: Written, *, expected: int | None) -> SavedDraft:
        """Keep what was written in a ticket so far; `expected` is the version of the draft that it continues.

        Raises:
            Problem: the draft is another version (412) or was sent meanwhile, or there are too many.
        """
        agent_id, account_id = _agent_of(principal), principal.account_id
        ticket = await self._desk.load(account_id, ticket_id)
        require_unmerged(ticket)
        written = written.seen_at_most(ticket.event_seq)
        while True:
            before, now = await self._drafts.find(account_id, agent_id, ticket_id), self._clock.now()
            _require_version(before, expected)
            if before is None:
                await self._require_room(account_id, agent_id)
                draft = begun(account_id, agent_id, ticket_id, written, now)
                fate = await self._drafts.insert(draft)
            else:
                draft = rewritten(before, written, now)
                fate = Fate.DONE if draft is before else await self._drafts.replace(draft)
            if fate is Fate.DONE:
                return draft

    async def discard(self, principal: Principal, ticket_id: str) -> None:
        """Forget the draft in a ticket; again changes nothing."""
        agent_id = _agent_of(principal)
        await self._desk.load(principal.account_id, ticket_id)
        await self._delete(principal.account_id, agent_id, ticket_id, kind=None)

    async def sent(self, principal: Principal, ticket_id: str, kind: DraftKind) -> None:
        """Forget the draft of what was sent.

        It was sent, so nothing here may make the caller think otherwise: at worst the draft stays.
        """
        if principal.agent_id is None:
            return
        try:
            await self._delete(principal.account_id, principal.agent_id, ticket_id, kind=kind)
        except TransientError as error:
            logger.warning("draft_kept", ticket_id=ticket_id, agent_id=principal.agent_id, error=repr(error))

    async def _delete(self, account_id: str, agent_id: str, ticket_id: str, *, kind: DraftKind | None) -> None:
        while (draft := await self._drafts.find(account_id, agent_id, ticket_id)) is not None:
            if kind not in {None, draft.kind} or await self._drafts.delete(draft) is Fate.DONE:
                return

    async def _require_room(self, account_id: str, agent_id: str) -> None:
        if await self._drafts.count(account_id, agent_id, at_most=DRAFTS_PER_AGENT) >= DRAFTS_PER_AGENT:
            raise Problem(409, "limit_reached", f"An agent may have {DRAFTS_PER_AGENT} drafts; send or drop one first.")


def _agent_of(principal: Principal) -> str:
    if principal.agent_id is None:
        raise agent_needed()
    return principal.agent_id


def _require_version(draft: SavedDraft | None, expected: int | None) -> None:
    version = draft.version if draft is not None else 0
    if expected is not None and expected != version:
        detail = f"The draft has changed: it is at version {version}, not {expected}; 0 is no draft."
        raise Problem(412, "stale", detail, version=version)
