"""Composition of ingest-email."""

from ingest_email.acceptance import Acceptance
from ingest_email.address_book import AddressBook
from ingest_email.documented_problems import PROBLEMS
from ingest_email.erasure import MailErasure
from ingest_email.imap.imap_api import imap_router
from ingest_email.imap_app import watch_mailboxes
from ingest_email.metrics import MailMetrics
from ingest_email.parsing.parser_pool import ParserPool
from ingest_email.quarantine.quarantine import Quarantine
from ingest_email.settings import IngestEmailSettings
from ingest_email.smtp.smtp_door import SmtpDoor
from ingest_email.smtp.smtp_handler import SmtpHandler
from ingest_email.subscriptions import subscribe
from ingest_email.webhooks.api import PREFIX, email_router
from ingest_email.webhooks.mailgun import WINDOW
from ingest_email.webhooks.used_tokens import UsedTokens
from ingest_email.webhooks.webhooks import Webhooks
from ingest_email.workflow import MailWorkflow
from service_kit.audit import AuditTrail
from service_kit.erasure import Obedience
from service_kit.http.api import create_api
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_copies import SettingsCopies


def create_service(platform: Platform, settings: IngestEmailSettings | None = None) -> Service:
    """The service on a platform; its subscription is declared on the platform's bus."""
    settings = settings or IngestEmailSettings()
    addresses = AddressBook(platform)
    metrics = MailMetrics(platform.metrics)
    SettingsCopies(platform, "ingest-email", areas=("account",), on_account=(addresses.area.ensure,))
    pool = ParserPool(
        workers=settings.parse_workers,
        timeout_seconds=settings.parse_timeout_seconds,
        memory_bytes=settings.parse_memory_bytes,
    )
    quarantine = Quarantine(platform.store, per_source_max=settings.quarantine_per_source_max)
    workflow = MailWorkflow(platform, addresses=addresses, pool=pool, quarantine=quarantine, metrics=metrics)
    subscribe(platform.bus, workflow, max_records=settings.parse_batch_max)
    erasure = MailErasure(quarantine, platform.blobs)
    Obedience(platform, "ingest-email", erasure.forget, buried=erasure.buried)
    acceptance = Acceptance(platform)
    handler = SmtpHandler(
        acceptance,
        addresses,
        platform.admission,
        metrics,
        platform.clock,
        recipients_max=settings.recipients_max,
        mails_per_minute=settings.mails_per_minute_per_peer_max,
    )
    tokens = UsedTokens(platform.redis, lifetime=2 * WINDOW)
    webhooks = Webhooks(acceptance, addresses, tokens, platform.clock, metrics, settings)
    mailboxes = watch_mailboxes(platform, addresses, acceptance, metrics, settings)
    api = create_api(
        platform,
        service="ingest-email",
        title="Deskbus: email in",
        routers=(email_router(webhooks), imap_router(addresses), addresses.area.router()),
        # The route itself refuses less, and in the provider's terms.
        larger_bodies={f"{PREFIX}/": 2 * settings.webhook_size_limit_bytes},
        problems=PROBLEMS,
    )
    return Service(
        name="ingest-email",
        api=api,
        prefixes=(PREFIX, "/v1/settings/email"),
        prepare=(addresses.area.republish, mailboxes.adopt),
        doors=(SmtpDoor(handler, settings, platform.settings), mailboxes),
        workers=(pool, AuditTrail(platform, "ingest-email").worker()),
    )
