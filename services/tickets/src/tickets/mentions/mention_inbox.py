"""The use cases behind `/v1/mentions`: noted from published events, read by whom they name (N3)."""

from collections.abc import Sequence

from contracts.tickets import TicketAgentMentioned, TicketEvent
from service_kit.auth import Principal
from service_kit.docstore import Fate, Page
from service_kit.errors import TransientError
from tickets.mentions.mention import Mention, mention
from tickets.mentions.mention_store import MentionStore
from tickets.ticket.ticket_problems import agent_needed, no_such

_ATTEMPTS = 20


class MentionInbox:
    """What agents are named in."""

    def __init__(self, mentions: MentionStore) -> None:
        self._mentions = mentions

    async def note(self, told: Sequence[TicketEvent]) -> None:
        """Keep what events tell; told again they change nothing."""
        await self._mentions.keep([mention(event) for event in told if isinstance(event, TicketAgentMentioned)])

    async def page(
        self, principal: Principal, *, is_read: bool | None, limit: int, cursor: str | None
    ) -> Page[Mention]:
        """The caller's own.

        Raises:
            Problem: nobody in person asks.
        """
        agent_id = _agent_of(principal)
        return await self._mentions.page(principal.account_id, agent_id, is_read=is_read, limit=limit, cursor=cursor)

    async def mark(self, principal: Principal, mention_id: str, *, read: bool) -> Mention:
        """Mark one as read or unread; again changes nothing.

        Raises:
            Problem: nobody in person asks, or it is not theirs.
        """
        agent_id = _agent_of(principal)
        for _ in range(_ATTEMPTS):
            found = await self._mentions.find(principal.account_id, agent_id, mention_id)
            if found is None:
                raise no_such("mention")
            if found.is_read == read:
                return found
            marked = found.model_copy(update={"is_read": read})
            if await self._mentions.replace(marked) is Fate.DONE:
                return marked
        raise TransientError(f"mention {mention_id} changed {_ATTEMPTS} times meanwhile")

    async def read_in(self, principal: Principal, ticket_id: str) -> None:
        """Who reads a ticket has read what names them there."""
        agent_id = _agent_of(principal)
        for found in await self._mentions.of_ticket(ticket_id, agent_id):
            if not found.is_read and found.account_id == principal.account_id:
                await self.mark(principal, found.id, read=True)


def _agent_of(principal: Principal) -> str:
    if principal.agent_id is None:
        raise agent_needed()
    return principal.agent_id
