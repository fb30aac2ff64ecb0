"""Composition of tickets: threads messages into tickets, serves agents, keeps people and contacts."""

from argon2 import PasswordHasher

from contracts.settings import Area
from service_kit.http.api import create_api
from service_kit.http.routes import Routes
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_copies import SettingsCopies
from tickets.actions_api import actions_router
from tickets.agent_directory import AgentLookup
from tickets.attachments import MAX_BODY_BYTES, Attachments
from tickets.bulk import Bulk
from tickets.contact_reports import ContactReports
from tickets.contact_store import ContactStore
from tickets.contacts_api import contacts_router
from tickets.decisions import Decisions
from tickets.delivery_reports import DeliveryReports
from tickets.desk import Desk
from tickets.history import History
from tickets.history_store import HistoryStore
from tickets.intake import Intake
from tickets.intake_api import intake_router
from tickets.intake_ledger import IntakeLedger
from tickets.intake_reader import IntakeReader
from tickets.intake_writer import IntakeWriter
from tickets.life import UNSNOOZE
from tickets.mail_ids import SignedIds
from tickets.merge import MERGE
from tickets.merge_api import merge_router
from tickets.merging import Merging
from tickets.message_store import MessageStore
from tickets.messages_api import messages_router
from tickets.people_app import build_people
from tickets.presence_store import PresenceStore
from tickets.publication import Publication
from tickets.rules import RulesReader
from tickets.saved_view_store import SavedViewStore
from tickets.saved_view_workflow import SavedViewWorkflow
from tickets.saved_views_api import saved_views_router
from tickets.snoozing import Snoozing
from tickets.split import SPLIT
from tickets.split_api import split_router
from tickets.splitting import Splitting
from tickets.subscriptions import GROUP, subscribe
from tickets.threads import Threads
from tickets.ticket_actions import TicketActions
from tickets.ticket_lists import TicketLists
from tickets.ticket_numbers import TicketNumbers
from tickets.ticket_store import TicketStore
from tickets.ticket_timers import ticket_timers
from tickets.ticket_view import TicketViews
from tickets.tickets_api import tickets_router
from tickets.writing import Writing

PREFIXES = ("/v1/tickets", "/v1/intake", "/v1/contacts", "/v1/views")
AREAS: tuple[Area, ...] = ("account", "tickets", "assignment", "teams", "schedules", "email", "sms", "chat")


class _Core:
    """What both the bus and the agents change: the stores, and the two outboxes."""

    def __init__(self, platform: Platform, copies: SettingsCopies, agents: AgentLookup) -> None:
        store, bus, clock = platform.store, platform.bus, platform.clock
        self.copies, self.agents, self.clock = copies, agents, clock
        self.tickets, self.messages, self.contacts = TicketStore(store), MessageStore(store), ContactStore(store)
        self.ledger, self.presence, self.numbers = IntakeLedger(store), PresenceStore(store), TicketNumbers(store)
        history = HistoryStore(store)
        self.history, self.rules, self.signed = History(history), RulesReader(copies), SignedIds(platform.signer)
        self.desk = Desk(self.tickets, self.history, Publication(self.messages, history), bus, clock)
        self.contact_outbox = Outbox(self.contacts.collection, bus, clock, name="contacts")


def create_service(platform: Platform, *, hasher: PasswordHasher | None = None) -> Service:
    """The service, wired; `hasher` only so that tests need not pay for real argon2 costs."""
    people = build_people(platform, hasher=hasher)
    copies = SettingsCopies(platform, GROUP, areas=AREAS, on_account=people.on_account)
    core = _Core(platform, copies, people.agents)
    _subscribe(platform, core)
    merging = Merging(core.desk, core.clock)
    splitting = Splitting(core.desk, core.messages, core.numbers, core.clock)
    fires = {UNSNOOZE: Snoozing(core.desk, core.clock).wake, MERGE: merging.resume, SPLIT: splitting.resume}
    timers = ticket_timers(core.tickets, core.clock, fires)
    return Service(
        name="tickets",
        api=create_api(
            platform,
            service="tickets",
            title="Deskbus tickets",
            routers=(*_routers(platform, core, merging, splitting), *people.routers),
            max_body_bytes=MAX_BODY_BYTES,
        ),
        prefixes=(*PREFIXES, *people.prefixes),
        prepare=people.prepare,
        workers=(
            core.desk.outbox.worker(platform.metrics),
            core.contact_outbox.worker(platform.metrics),
            timers.worker(),
            *people.workers,
        ),
    )


def _subscribe(platform: Platform, core: _Core) -> None:
    reader = IntakeReader(
        core.tickets, core.messages, core.contacts, core.presence, core.rules, core.numbers, core.signed
    )
    writer = IntakeWriter(core.tickets, core.messages, core.contacts, core.desk.outbox, core.contact_outbox)
    subscribe(
        platform.bus,
        intake=Intake(reader, writer, core.ledger, core.signed, core.clock),
        ledger=core.ledger,
        decisions=Decisions(core.desk, core.agents, core.clock),
        deliveries=DeliveryReports(core.desk, core.messages, core.clock),
        contacts=ContactReports(core.contacts, core.contact_outbox, core.clock),
        presence=core.presence,
    )


def _routers(platform: Platform, core: _Core, merging: Merging, splitting: Splitting) -> tuple[Routes, ...]:
    actions = TicketActions(core.desk, core.agents, core.copies, core.rules, core.clock)
    views = TicketViews(core.contacts, core.agents, core.copies)
    saved = SavedViewWorkflow(SavedViewStore(platform.store), core.clock)
    attachments = Attachments(platform.blobs)
    writing = Writing(core.desk, core.messages, core.contacts, core.agents, attachments, core.signed, core.clock)
    return (
        actions_router(actions, Bulk(actions), views),
        merge_router(merging, views),
        split_router(splitting, views),
        tickets_router(core.desk, TicketLists(core.tickets, saved, core.copies), views, core.history),
        saved_views_router(saved),
        messages_router(core.desk, Threads(core.messages, attachments), writing),
        intake_router(core.ledger),
        contacts_router(core.contacts),
    )
