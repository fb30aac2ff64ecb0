"""Composition of notifier."""

import random
from datetime import timedelta

from contracts.settings import Area, NotificationSettings
from notifier.bounce_workflow import BounceWorkflow
from notifier.deliveries_api import deliveries_router
from notifier.documented_problems import PROBLEMS
from notifier.erasure import NotifierErasure
from notifier.forwarding_checks import ForwardingChecks
from notifier.forwarding_checks_api import PREFIX as FORWARDING_CHECKS
from notifier.forwarding_checks_api import forwarding_checks_router
from notifier.mail_channel import MailChannel
from notifier.mail_gateway import MailGateway, SmtpRelay
from notifier.maildir import Maildir
from notifier.redaction import Redaction
from notifier.sending import Sending
from notifier.settings import NotifierSettings
from notifier.sms_channel import SmsChannel
from notifier.staff_mailing import StaffMailing
from notifier.store import DeliveryStore
from notifier.subscriptions import subscribe
from notifier.suppression_store import SuppressionStore
from notifier.suppressions_api import suppressions_router
from notifier.twilio import TwilioGateway
from notifier.unsubscribe import UnsubscribeLinks
from notifier.unsubscribe_api import unsubscribe_router
from notifier.webhook_store import WebhookStore
from notifier.webhook_workflow import WebhookWorkflow
from notifier.webhooks_api import webhooks_router
from notifier.workflow import DeliveryWorkflow
from service_kit.audit import AuditTrail
from service_kit.erasure import Obedience
from service_kit.http.api import create_api
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings import PlatformSettings
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies
from service_kit.ssrf import GuardedHttp
from service_kit.timers import Timers

_SEND_WITHIN_SECONDS = 0.25
"""What a customer or a webhook waits for is due at once, so it leaves at the next look."""


def create_service(platform: Platform, settings: NotifierSettings | None = None) -> Service:
    """The service on a platform; its subscriptions are declared on the platform's bus."""
    settings = settings or NotifierSettings()
    clock, bus, lease = platform.clock, platform.bus, settings.lease_seconds
    http = GuardedHttp(
        allow_private=platform.settings.allow_private_urls, timeout_seconds=settings.http_timeout_seconds
    )
    area = SettingsArea(platform, "notifications", NotificationSettings)
    areas: tuple[Area, ...] = ("account", "agents", "email", "sms")
    copies = SettingsCopies(platform, "notifier", areas=areas, on_account=(area.ensure,))
    store = DeliveryStore(platform.store)
    suppressions = SuppressionStore(platform.store)
    links = UnsubscribeLinks(platform.signer, platform.settings.origin)
    outbox = Outbox(store.deliveries, bus, clock, name="notifier")
    gateway = mail_gateway(platform.settings, settings)
    patience = timedelta(seconds=settings.forwarding_check_seconds)
    checks = ForwardingChecks(platform.store, gateway, copies, platform.signer, clock, patience=patience)
    sending = Sending(
        store,
        outbox,
        MailChannel(gateway, copies, platform.blobs, suppressions, links, checks, clock),
        SmsChannel(TwilioGateway(http), store, copies, clock, origin=platform.settings.origin),
        clock,
    )
    webhook_store = WebhookStore(platform.store)
    webhooks = WebhookWorkflow(webhook_store, http, platform.secrets, clock, random.Random())  # noqa: S311 - jitter
    Obedience(platform, "notifier", NotifierErasure(store, suppressions, webhook_store).forget)
    staff = StaffMailing(platform.store, gateway, area, copies, clock)
    bounces = BounceWorkflow(store, suppressions, outbox, clock)
    redaction = Redaction(store, outbox, clock)
    subscribe(bus, DeliveryWorkflow(store, clock), webhooks, bounces, staff, redaction, checks)
    api = create_api(
        platform,
        service="notifier",
        title="Deskbus: what leaves",
        routers=(
            deliveries_router(store),
            suppressions_router(suppressions),
            unsubscribe_router(store, suppressions, links, clock),
            webhooks_router(webhook_store, platform.secrets, clock),
            forwarding_checks_router(checks),
            area.router(),
        ),
        problems=PROBLEMS,
    )
    return Service(
        name="notifier",
        api=api,
        prefixes=(
            "/v1/webhooks",
            "/v1/deliveries",
            "/v1/suppressions",
            FORWARDING_CHECKS,
            "/s",
            "/u",
            "/v1/settings/notifications",
        ),
        prepare=(area.republish,),
        workers=(
            gateway,
            outbox.worker(platform.metrics),
            AuditTrail(platform, "notifier").worker(),
            Timers(
                store.deliveries, clock, sending.send, lease_seconds=lease, interval_seconds=_SEND_WITHIN_SECONDS
            ).worker(platform.metrics, "deliveries"),
            Timers(staff.mails, clock, staff.send, lease_seconds=lease).worker(platform.metrics, "staff mails"),
            Timers(checks.checks, clock, checks.fire, lease_seconds=2 * lease).worker(
                platform.metrics, "forwarding checks"
            ),
            Timers(
                webhook_store.deliveries,
                clock,
                webhooks.send,
                lease_seconds=lease,
                interval_seconds=_SEND_WITHIN_SECONDS,
            ).worker(platform.metrics, "webhooks"),
        ),
    )


def mail_gateway(platform: PlatformSettings, settings: NotifierSettings) -> MailGateway:
    """The relay that the settings name, or a maildir in the home."""
    if not platform.smtp_relay_url:
        return Maildir(platform.home / "outbox")
    return SmtpRelay(
        platform.smtp_relay_url,
        timeout_seconds=settings.relay_timeout_seconds,
        connections=settings.relay_connections,
        per_domain=settings.relay_connections_per_domain,
        idle_seconds=settings.relay_idle_seconds,
    )
