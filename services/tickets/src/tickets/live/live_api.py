"""`/v1/tickets/stream`, `/v1/tickets/{id}/stream` and `…/presence`: what happens, as it happens (L6)."""

from dataclasses import dataclass
from typing import Annotated, Any, get_args

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from service_kit.auth import Permission, Principal, requires
from service_kit.auth.bearer import bearer_token
from service_kit.clock import Clock
from service_kit.http.routes import Routes
from tickets.lists.narrowing import Narrowing, View
from tickets.lists.saved_view_workflow import SavedViewWorkflow
from tickets.live.live_changes import ViewSource, moment_of
from tickets.live.live_presence_workflow import LivePresence, PresenceSaid, PresentAgent
from tickets.live.live_problems import bad_last_event_id
from tickets.live.live_response import LiveResponse, Pace, Source
from tickets.live.live_streams import Follower, LiveStreams
from tickets.live.live_ticket import TicketSource
from tickets.live.live_view import followed_view
from tickets.ticket.desk import Desk
from tickets.ticket.history_store import HistoryStore

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
LastEventId = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=30, description="Where to go on: the id of the last event.")
]
ViewChoice = Annotated[
    str,
    Query(
        pattern=r"^(mine|all|unassigned|viw_[0-9a-z]{1,90})$", description="A view everybody has, or a saved one's id."
    ),
]

_MOST_EVENTS = 10**9


class PresenceWord(BaseModel):
    """What the agent who asks does in the ticket; it holds for 15 seconds, so say it again every five to ten."""

    model_config = ConfigDict(extra="forbid")

    state: PresenceSaid


class PresenceView(BaseModel):
    """Who looks at the ticket or writes in it, in the order in which they came."""

    items: list[PresentAgent]


@dataclass(frozen=True, slots=True)
class LiveParts:
    """What the routes stand on."""

    streams: LiveStreams
    presence: LivePresence
    history: HistoryStore
    views: SavedViewWorkflow
    clock: Clock
    pace: Pace


def live_router(desk: Desk, parts: LiveParts) -> Routes:
    """The routes. They are to be included before those that read `/v1/tickets/{id}`."""
    router = Routes("/v1/tickets", tags=["live"])

    @router.get("/stream", response_class=Response, responses=_documented(_VIEW_EXAMPLE))
    async def follow_view(
        principal: Reader, request: Request, view: ViewChoice = "all", last_event_id: LastEventId = None
    ) -> Response:
        """Follow a view: which tickets came into it, changed in it, or left it, as server-sent events.

        `ready` says from where it goes on, and with `reset` that the list must be read anew. A `ticket` just before
        the place one resumes from may be told again: it is known by its `id` and `seq`. `end` says why it ended.
        """
        chosen, narrowing = view, Narrowing()
        if view not in get_args(View):
            saved = (await parts.views.get(principal, view)).filter
            chosen, narrowing = saved.view, saved.narrowing
        followed = followed_view(principal, chosen, narrowing)
        since = moment_of(last_event_id) if last_event_id is not None else None
        source = ViewSource(parts.history, principal.account_id, followed, parts.clock, since)
        return _stream(parts, principal, request, source)

    @router.get("/{ticket_id}/stream", response_class=Response, responses=_documented(_TICKET_EXAMPLE))
    async def follow_ticket(
        principal: Reader,
        request: Request,
        ticket_id: str,
        after_seq: Annotated[
            int | None, Query(ge=0, le=_MOST_EVENTS, description="Begin after this event; by default, from now on.")
        ] = None,
        last_event_id: LastEventId = None,
    ) -> Response:
        """Follow a ticket: its events by number, each once and without a gap, and who looks at it.

        First what was missed, then what happens. `Last-Event-ID` wins over `after_seq`, so that a browser that connects
        again goes on where it was. `end` says why the stream ended.
        """
        ticket = await desk.load(principal.account_id, ticket_id)
        after = _number_of(last_event_id) if last_event_id is not None else after_seq
        source = TicketSource(parts.history, parts.presence, ticket, after)
        return _stream(parts, principal, request, source)

    @router.put("/{ticket_id}/presence")
    async def say_present(principal: Reader, ticket_id: str, word: PresenceWord) -> PresenceView:
        """Say that one looks at the ticket, types, or is gone; only with the session of a person."""
        await desk.load(principal.account_id, ticket_id)
        await parts.presence.say(principal, ticket_id, word.state)
        return PresenceView(items=list(await parts.presence.who(principal.account_id, ticket_id)))

    @router.get("/{ticket_id}/presence")
    async def show_presence(principal: Reader, ticket_id: str) -> PresenceView:
        """Who looks at the ticket or writes in it now."""
        await desk.load(principal.account_id, ticket_id)
        return PresenceView(items=list(await parts.presence.who(principal.account_id, ticket_id)))

    return router


def _stream(parts: LiveParts, principal: Principal, request: Request, source: Source) -> Response:
    token = bearer_token(request.headers.get("authorization")) or ""
    return LiveResponse(parts.streams, Follower(principal, token), source, parts.pace)


def _number_of(event_id: str) -> int:
    if not event_id.isascii() or not event_id.isdigit() or int(event_id) > _MOST_EVENTS:
        raise bad_last_event_id()
    return int(event_id)


_TICKET_EXAMPLE = """retry: 2000

event: ready
data: {"seq":6}
id: 6

event: presence
data: {"agents":[{"agent_id":"agt_1","name":"Ann","state":"typing","since":"2026-11-20T09:00:00Z"}]}

event: ticket
data: {"seq":7,"type":"support.ticket.closed.v1","actor":{"kind":"agent","id":"agt_1"},"cause":"agent","at":…,"data":…}
id: 7

: ping

event: end
data: {"reason":"stopping"}

"""

_VIEW_EXAMPLE = """retry: 2000

event: ready
data: {"at":"2026-11-20T09:00:00Z","reset":false}
id: 1763629200000000

event: ticket
data: {"id":"tic_1","number":1042,"seq":7,"version":5,"type":"support.ticket.closed.v1","in_view":false}
id: 1763629203412000

"""


def _documented(example: str) -> dict[int | str, dict[str, Any]]:
    content = {"text/event-stream": {"schema": {"type": "string"}, "example": example}}
    return {200: {"description": "A stream of server-sent events.", "content": content}}
