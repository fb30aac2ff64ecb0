"""Composition of tickets: threads messages into tickets, serves agents, keeps people and contacts."""

from argon2 import PasswordHasher

from contracts.settings import Area
from service_kit.http.api import create_api
from service_kit.http.routes import Routes
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_copies import SettingsCopies
from tickets.bulk.bulk import Bulk
from tickets.bulk.bulk_api import bulk_router
from tickets.bulk.bulk_run_store import BulkRunStore
from tickets.bulk.bulk_runs import BulkRuns
from tickets.contacts.contact_activity_store import ContactActivityStore
from tickets.contacts.contact_merge import CONTACT_MERGE
from tickets.contacts.contact_merge_workflow import ContactMerging
from tickets.contacts.contact_reports import ContactReports
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contact_timers import contact_timers
from tickets.contacts_app import CONTACT_PREFIXES, contact_routers
from tickets.custom.custom_field_store import CustomFieldStore
from tickets.custom.custom_field_workflow import CustomFieldWorkflow
from tickets.custom.custom_fields_api import custom_fields_router, custom_values_router
from tickets.custom.custom_setting import CustomSetting
from tickets.documented_problems import PROBLEMS
from tickets.intake.intake import Intake
from tickets.intake.intake_reader import IntakeReader
from tickets.intake.intake_writer import IntakeWriter
from tickets.ledger.intake_api import intake_router
from tickets.ledger.intake_counter import IntakeCounter
from tickets.ledger.intake_counts_api import intake_counts_router
from tickets.ledger.intake_ledger import IntakeLedger
from tickets.life.actions_api import actions_router
from tickets.life.auto_closing import AutoClosing
from tickets.life.decisions import Decisions
from tickets.life.life import UNSNOOZE
from tickets.life.snoozing import Snoozing
from tickets.life.ticket_actions import TicketActions
from tickets.life.ticket_edits import TicketEdits
from tickets.lists.saved_view_store import SavedViewStore
from tickets.lists.saved_view_workflow import SavedViewWorkflow
from tickets.lists.saved_views_api import saved_views_router
from tickets.lists.ticket_lists import TicketLists
from tickets.lists.ticket_view import TicketViews
from tickets.lists.tickets_api import tickets_router
from tickets.live_app import Live
from tickets.macros.macro_facts import MacroFactsReader
from tickets.macros.macro_store import MacroStore
from tickets.macros.macro_use import MacroUse
from tickets.macros.macro_use_api import macro_use_router
from tickets.macros.macro_uses import MacroUses
from tickets.mentions.mention_inbox import MentionInbox
from tickets.mentions.mention_resolution import MentionResolution
from tickets.mentions.mention_store import MentionStore
from tickets.mentions.mentions_api import mentions_router
from tickets.metrics import TicketMetrics
from tickets.people.agent_directory import AgentLookup
from tickets.people.presence_store import PresenceStore
from tickets.people_app import build_people
from tickets.privacy.block_store import BlockStore
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.privacy_app import PRIVACY_PREFIXES, Privacy
from tickets.reshaping.merge import MERGE
from tickets.reshaping.merge_api import merge_router
from tickets.reshaping.merging import Merging
from tickets.reshaping.split import SPLIT
from tickets.reshaping.split_api import split_router
from tickets.reshaping.splitting import Splitting
from tickets.subscriptions import GROUP, subscribe
from tickets.ticket.desk import Desk
from tickets.ticket.history import History
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.mail_ids import SignedIds
from tickets.ticket.message_store import MessageStore
from tickets.ticket.rules import RulesReader
from tickets.ticket.ticket_numbers import TicketNumbers
from tickets.ticket.ticket_store import TicketStore
from tickets.ticket.ticket_timers import ticket_timers
from tickets.writing.attachments import MAX_BODY_BYTES, Attachments
from tickets.writing.delivery_reports import DeliveryReports
from tickets.writing.image_fetching import ImageFetching
from tickets.writing.images_api import images_router
from tickets.writing.messages_api import messages_router
from tickets.writing.publication import Publication
from tickets.writing.redacting import Redacting
from tickets.writing.redactions_api import redactions_router
from tickets.writing.saved_draft_store import SavedDraftStore
from tickets.writing.saved_draft_workflow import SavedDrafts
from tickets.writing.saved_drafts_api import saved_drafts_router
from tickets.writing.threads import Threads
from tickets.writing.writing import Writing

PREFIXES = (
    "/v1/tickets",
    "/v1/intake",
    "/v1/mentions",
    "/v1/views",
    "/v1/custom-fields",
    *CONTACT_PREFIXES,
    *PRIVACY_PREFIXES,
)
AREAS: tuple[Area, ...] = ("account", "tickets", "assignment", "teams", "schedules", "email", "sms", "chat")


class _Core:
    """What both the bus and the agents change: the stores, and the two outboxes."""

    def __init__(self, platform: Platform, copies: SettingsCopies, agents: AgentLookup) -> None:
        store, bus, clock = platform.store, platform.bus, platform.clock
        self.copies, self.agents, self.clock = copies, agents, clock
        self.tickets, self.messages, self.contacts = TicketStore(store), MessageStore(store), ContactStore(store)
        self.metrics = TicketMetrics(platform.metrics)
        self.ledger = IntakeLedger(store, self.metrics)
        self.presence, self.numbers = PresenceStore(store), TicketNumbers(store)
        history = HistoryStore(store)
        self.history, self.rules, self.signed = History(history), RulesReader(copies), SignedIds(platform.signer)
        self.macros, self.fields = MacroStore(store), CustomFieldStore(store)
        self.live = Live(platform, agents, history)
        uses, tell = MacroUses(self.macros), self.live.news.tell
        self.mentions = MentionInbox(MentionStore(store))
        self.blobs = ErasureBlobs(self.messages, BlockStore(store), platform.blobs)
        publication = Publication(self.messages, history, self.blobs, clock, tell, uses, self.mentions)
        self.desk = Desk(self.tickets, self.history, publication, bus, clock)
        self.contact_outbox = Outbox(self.contacts.collection, bus, clock, name="contacts")
        self.contact_merging = ContactMerging(self.contacts, self.contact_outbox, clock)
        self.edits = TicketEdits(agents, copies, self.rules, clock)
        self.bulk_runs = BulkRuns(Bulk(self.desk, self.edits), BulkRunStore(store), clock)
        self.privacy = Privacy(
            platform, self.desk, self.messages, self.contacts, self.contact_outbox, self.ledger, history, self.blobs
        )


def create_service(platform: Platform, *, hasher: PasswordHasher | None = None) -> Service:
    """The service, wired; `hasher` only so that tests need not pay for real argon2 costs."""
    people = build_people(platform, hasher=hasher)
    copies = SettingsCopies(platform, GROUP, areas=AREAS, on_account=people.on_account)
    core = _Core(platform, copies, people.agents)
    blocking = core.privacy.blocking(_subscribe(platform, core), copies, people.audit_log)
    merging = Merging(core.desk, core.contacts, core.clock)
    splitting = Splitting(core.desk, core.messages, core.numbers, core.clock)
    fires = {UNSNOOZE: Snoozing(core.desk, core.clock).wake, MERGE: merging.resume, SPLIT: splitting.resume}
    timers = ticket_timers(core.tickets, core.clock, fires)
    return Service(
        name="tickets",
        api=create_api(
            platform,
            service="tickets",
            title="Deskbus tickets",
            routers=(
                *_routers(platform, core, merging, splitting),
                *core.privacy.routers(blocking),
                *people.routers,
            ),
            max_body_bytes=MAX_BODY_BYTES,
            problems=PROBLEMS,
        ),
        prefixes=(*PREFIXES, *people.prefixes),
        prepare=people.prepare,
        workers=(
            core.desk.outbox.worker(platform.metrics),
            core.contact_outbox.worker(platform.metrics),
            timers.worker(platform.metrics, "tickets"),
            contact_timers(core.contacts, core.clock, {CONTACT_MERGE: core.contact_merging.resume}).worker(
                platform.metrics, "contacts"
            ),
            AutoClosing(core.desk, copies, core.clock).worker(),
            *core.privacy.workers(blocking, platform.metrics),
            core.bulk_runs,
            core.bulk_runs.timers().worker(platform.metrics, "bulk_runs"),
            core.live.news,
            *people.workers,
        ),
        doors=(core.live.streams,),
    )


def _subscribe(platform: Platform, core: _Core) -> Intake:
    privacy = core.privacy
    reader = IntakeReader(
        core.tickets,
        core.messages,
        core.contacts,
        core.presence,
        core.rules,
        core.numbers,
        core.signed,
        privacy.guards,
    )
    outboxes = core.desk.outbox, core.contact_outbox
    writer = IntakeWriter(core.tickets, core.messages, core.contacts, *outboxes, privacy.blocks)
    intake = Intake(reader, writer, core.ledger, core.signed, core.clock, privacy.blobs)
    subscribe(
        platform.bus,
        intake=intake,
        ledger=core.ledger,
        decisions=Decisions(core.desk, core.agents, core.clock),
        deliveries=DeliveryReports(core.desk, core.messages, core.clock, core.metrics),
        contacts=ContactReports(core.contacts, core.contact_outbox, privacy.stops, core.clock),
        presence=core.presence,
    )
    return intake


def _routers(platform: Platform, core: _Core, merging: Merging, splitting: Splitting) -> tuple[Routes, ...]:
    actions = TicketActions(core.desk, core.edits)
    views = TicketViews(core.contacts, core.agents, core.copies, core.fields)
    saved = SavedViewWorkflow(SavedViewStore(platform.store), core.clock)
    lists = TicketLists(core.tickets, saved, core.copies, core.contacts)
    drafts = SavedDrafts(SavedDraftStore(platform.store), core.desk, core.clock)
    attachments = Attachments(platform.blobs)
    threads = Threads(core.messages, attachments)
    writing = Writing(core.desk, core.messages, core.contacts, core.agents, attachments, core.signed, core.clock)
    macro_use = MacroUse(
        core.desk,
        core.macros,
        MacroFactsReader(core.contacts, ContactActivityStore(platform.store), core.agents, core.copies, core.fields),
        core.edits,
        writing,
    )
    return (
        bulk_router(core.bulk_runs, lists),
        actions_router(actions, views, core.mentions),
        mentions_router(core.mentions, core.tickets),
        merge_router(merging, views),
        split_router(splitting, views),
        core.live.router(core.desk, saved),
        saved_drafts_router(drafts),
        tickets_router(core.desk, lists, views, core.history),
        saved_views_router(saved),
        messages_router(core.desk, threads, writing, macro_use, MentionResolution(core.agents), drafts),
        images_router(ImageFetching(core.desk, core.messages, platform.settings)),
        macro_use_router(macro_use),
        redactions_router(Redacting(core.desk, core.messages, core.contacts, core.clock)),
        custom_fields_router(CustomFieldWorkflow(core.fields, core.clock)),
        custom_values_router(CustomSetting(core.desk, core.fields, core.contacts, core.clock), views),
        intake_router(core.ledger),
        intake_counts_router(IntakeCounter(platform.store)),
        *contact_routers(platform.store, core.contacts, core.tickets, lists, core.contact_merging, core.clock),
    )
