"""Composition of what is followed live; `app.py` puts it beside the tickets themselves."""

from service_kit.auth.credentials import Credentials
from service_kit.fan_out import FanOut
from service_kit.http.routes import Routes
from service_kit.platform import Platform
from tickets.lists.saved_view_workflow import SavedViewWorkflow
from tickets.live.live_api import LiveParts, live_router
from tickets.live.live_news import CHANNEL, LiveNews
from tickets.live.live_presence_store import LivePresenceStore
from tickets.live.live_presence_workflow import LivePresence
from tickets.live.live_response import Pace
from tickets.live.live_streams import LiveStreams
from tickets.people.agent_directory import AgentLookup
from tickets.ticket.desk import Desk
from tickets.ticket.history_store import HistoryStore


class Live:
    """Streams and presence, wired. `news` belongs among the workers, `streams` among the doors."""

    def __init__(self, platform: Platform, agents: AgentLookup, history: HistoryStore) -> None:
        self._clock, self._history = platform.clock, history
        fan_out = FanOut(platform.redis, CHANNEL)
        self.news = LiveNews(fan_out)
        self.streams = LiveStreams(Credentials(platform.redis, platform.clock), fan_out, platform.clock)
        store = LivePresenceStore(platform.redis, platform.clock)
        self.presence = LivePresence(store, agents, fan_out, platform.clock)

    def router(self, desk: Desk, views: SavedViewWorkflow) -> Routes:
        """The routes; to be included before those that read `/v1/tickets/{id}`."""
        parts = LiveParts(self.streams, self.presence, self._history, views, self._clock, Pace())
        return live_router(desk, parts)
