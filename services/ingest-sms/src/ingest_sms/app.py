"""Composition of ingest-sms."""

from ingest_sms.api import webhooks_router
from ingest_sms.documented_problems import PROBLEMS
from ingest_sms.erasure import SmsErasure
from ingest_sms.number_book import NumberBook
from ingest_sms.settings import SmsIngestSettings
from ingest_sms.store import SmsStore
from ingest_sms.subscriptions import subscribe
from ingest_sms.webhooks import Webhooks
from ingest_sms.workflow import SmsWorkflow
from service_kit.audit import AuditTrail
from service_kit.erasure import Obedience
from service_kit.http.api import create_api
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_copies import SettingsCopies


def create_service(platform: Platform, settings: SmsIngestSettings | None = None) -> Service:
    """The service on a platform; its subscriptions are declared on the platform's bus."""
    settings = settings or SmsIngestSettings()
    store = SmsStore(platform.store)
    area = NumberBook(platform, store).area
    SettingsCopies(platform, "ingest-sms", areas=("account",), on_account=(area.ensure,))
    workflow = SmsWorkflow(store, platform.bus, platform.clock)
    subscribe(platform.bus, workflow)
    Obedience(platform, "ingest-sms", SmsErasure(store).forget)
    webhooks = Webhooks(
        store,
        area,
        workflow,
        platform.bus,
        platform.clock,
        platform.metrics,
        quarantine_per_source=settings.quarantine_per_source,
    )
    api = create_api(
        platform,
        service="ingest-sms",
        title="Deskbus: SMS in",
        routers=(webhooks_router(webhooks, public_url=platform.settings.public_url), area.router()),
        problems=PROBLEMS,
    )
    return Service(
        name="ingest-sms",
        api=api,
        prefixes=("/v1/sms", "/v1/settings/sms"),
        prepare=(area.republish,),
        workers=(AuditTrail(platform, "ingest-sms").worker(),),
    )
