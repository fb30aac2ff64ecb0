"""Composition of what guards customers and the company from each other: blocks, erasures and exports (L9, S3)."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from service_kit.http.routes import Routes
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.settings_copies import SettingsCopies
from service_kit.worker import PeriodicWorker
from tickets.audit.audit_log import AuditLog
from tickets.contacts.contact_activity_store import ContactActivityStore
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_store import ContactStore
from tickets.intake.intake import Intake
from tickets.intake.intake_guard import GuardReader
from tickets.ledger.intake_ledger import IntakeLedger
from tickets.mentions.mention_store import MentionStore
from tickets.privacy.block_api import blocks_router, contact_block_router
from tickets.privacy.block_reach import BlockReach
from tickets.privacy.block_store import BlockStore
from tickets.privacy.block_workflow import BlockWorkflow
from tickets.privacy.contact_export import ContactExport
from tickets.privacy.contact_export_api import contact_export_router
from tickets.privacy.erasure_api import erasure_router
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.privacy.erasure_contact import ErasureContact
from tickets.privacy.erasure_kept import ErasureKept
from tickets.privacy.erasure_ledger import ErasureLedger
from tickets.privacy.erasure_tickets import ErasureTickets
from tickets.privacy.erasure_workflow import ErasureWorkflow
from tickets.privacy.kept_of_contact import KeptOfContact
from tickets.privacy.number_stop import NumberStops
from tickets.ticket.desk import Desk
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.message_store import MessageStore
from tickets.writing.saved_draft_store import SavedDraftStore

PRIVACY_PREFIXES = ("/v1/blocks",)


class Privacy:
    """What intake asks (`guards`, `stops`), and what goes on by itself.

    Lifting a block takes messages in, and intake asks for blocks: so `blocking` is wired when there is an intake.
    """

    def __init__(
        self,
        platform: Platform,
        desk: Desk,
        messages: MessageStore,
        contacts: ContactStore,
        contact_outbox: Outbox[Contact],
        ledger: IntakeLedger,
        history: HistoryStore,
        blobs: ErasureBlobs,
    ) -> None:
        store, clock = platform.store, platform.clock
        self._contacts, self._messages, self._clock = contacts, messages, clock
        self.blocks, self.stops = BlockStore(store), NumberStops(store)
        self.guards = GuardReader(self.blocks, self.stops)
        self.blobs = blobs
        lines = ErasureLedger(ledger, self.blobs)
        self._kept = ErasureKept(self.blocks, messages, self.blobs, lines, clock)
        self._reach = BlockReach(desk, contacts, contact_outbox, clock)
        drafts = SavedDraftStore(store)
        self.erasures = ErasureWorkflow(
            store,
            platform.bus,
            platform.secrets,
            contacts,
            ErasureTickets(desk, messages, history, drafts, MentionStore(store), lines, self.blobs, clock),
            ErasureContact(contacts, contact_outbox, self.stops, clock),
            self._kept,
            clock,
        )
        self.erasures.subscribe()
        activities = ContactActivityStore(store)
        kept = KeptOfContact(self.blocks)
        self._export = ContactExport(activities, desk.tickets, messages, kept, platform.blobs, clock)

    def blocking(self, intake: Intake, copies: SettingsCopies, audit: AuditLog) -> BlockWorkflow:
        """Blocks, once there is an intake that takes in what they set aside."""
        return BlockWorkflow(
            self.blocks,
            self._reach,
            self._contacts,
            self._messages,
            intake,
            self.erasures,
            self._kept,
            copies,
            audit,
            self._clock,
        )

    def routers(self, blocking: BlockWorkflow) -> Sequence[Routes]:
        """The routes."""
        return (
            blocks_router(blocking, self.blocks),
            contact_block_router(blocking),
            erasure_router(self.erasures),
            contact_export_router(self._contacts, self._export),
        )

    def workers(self, blocking: BlockWorkflow, metrics: CollectorRegistry) -> Sequence[PeriodicWorker]:
        """The timers of blocks and erasures, and the relay of what erasures say."""
        return (
            self.erasures.outbox.worker(metrics),
            self.erasures.timers().worker(metrics, "erasures"),
            blocking.timers().worker(metrics, "blocks"),
        )
