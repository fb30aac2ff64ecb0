"""Composition of webchat-gateway."""

from contracts.settings import ChatSettings
from service_kit.audit import AuditTrail
from service_kit.erasure import Obedience
from service_kit.fan_out import FanOut
from service_kit.http.api import create_api
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.rate_limit import RateLimit
from service_kit.service import Service
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies
from service_kit.timers import Timers
from webchat_gateway.api import chat_router
from webchat_gateway.documented_problems import PROBLEMS
from webchat_gateway.door import ChatDoor
from webchat_gateway.erasure import ChatErasure
from webchat_gateway.redaction import ChatRedaction
from webchat_gateway.schedule_notice import ScheduleNotice
from webchat_gateway.sequencer import Sequencer
from webchat_gateway.settings import WebchatSettings
from webchat_gateway.store import ChatStore
from webchat_gateway.subscriptions import subscribe
from webchat_gateway.workflow import ChatWorkflow

_NEWS = "deskbus:chat"
"""The channel on which replicas nudge each other's sockets."""


def create_service(platform: Platform, settings: WebchatSettings | None = None) -> Service:
    """The service on a platform; its subscriptions are declared on the platform's bus."""
    settings = settings or WebchatSettings()
    bus, clock = platform.bus, platform.clock
    store = ChatStore(platform.store)
    area = SettingsArea(platform, "chat", ChatSettings)
    copies = SettingsCopies(platform, "webchat-gateway", areas=("account", "schedules"), on_account=(area.ensure,))
    said = Outbox(store.messages, bus, clock, name="webchat.message")
    told = Outbox(store.conversations, bus, clock, name="webchat.conversation")
    fan_out = FanOut(platform.redis, _NEWS)
    workflow = ChatWorkflow(store, area, Sequencer(store, said, clock), told, bus, fan_out, clock)
    subscribe(bus, workflow, ChatRedaction(store, fan_out))
    Obedience(platform, "webchat-gateway", ChatErasure(store, fan_out).forget)
    door = ChatDoor(
        platform,
        area,
        workflow,
        store,
        fan_out,
        connections=RateLimit(platform.redis, "chat-connect", most=settings.connections_per_minute, seconds=60),
        messages=RateLimit(platform.redis, "chat-say", most=settings.messages_per_10_seconds, seconds=10),
    )
    api = create_api(
        platform,
        service="webchat-gateway",
        title="Deskbus: web chat",
        routers=(chat_router(door), area.router(warn=ScheduleNotice(copies).of)),
        problems=PROBLEMS,
    )
    return Service(
        name="webchat-gateway",
        api=api,
        prefixes=("/v1/chat", "/widget.js", "/widget-demo", "/v1/settings/chat"),
        prepare=(area.republish,),
        workers=(
            said.worker(platform.metrics),
            told.worker(platform.metrics),
            fan_out,
            AuditTrail(platform, "webchat-gateway").worker(),
            Timers(store.conversations, clock, workflow.follow_up).worker(platform.metrics, "follow-ups"),
        ),
    )
