"""Composition of reporting."""

from reporting.api import reports_router
from reporting.documented_problems import PROBLEMS
from reporting.erasure import ReportingErasure
from reporting.reports import Reports
from reporting.store import ReportingStore
from reporting.subscriptions import GROUP, subscribe
from reporting.workflow import Intake
from service_kit.audit import AuditTrail
from service_kit.erasure import Obedience
from service_kit.http import create_api
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_copies import SettingsCopies

PREFIXES = ("/v1/reports",)


def create_service(platform: Platform) -> Service:
    """The service on a platform; its subscriptions are declared on the platform's bus."""
    store = ReportingStore(platform.store)
    intake = Intake(store)
    copies = SettingsCopies(platform, GROUP, areas=("account",), on_change=(intake.remember_settings,))
    subscribe(platform.bus, intake)
    Obedience(platform, GROUP, ReportingErasure(platform.store).forget)
    api = create_api(
        platform,
        service="reporting",
        title="Deskbus: reports",
        routers=(reports_router(Reports(store), copies, platform.clock),),
        problems=PROBLEMS,
    )
    return Service(name="reporting", api=api, prefixes=PREFIXES, workers=(AuditTrail(platform, GROUP).worker(),))
