from dataclasses import replace

from service_kit.admission import StorageFull
from service_kit.http import create_api
from service_kit.service import Service
from service_kit.testing.callers import http_client
from service_kit.testing.platforms import PlatformFactory


class Full:
    """The admission of a machine whose disk is full, or not any more."""

    def __init__(self) -> None:
        self.is_full = True

    def check(self) -> None:
        """Refuse while it is."""
        if self.is_full:
            raise StorageFull("no room")


async def test_readiness_is_a_metric_too(make_platform: PlatformFactory):
    """Whoever scrapes sees which engine did not answer when readiness was asked for last."""
    platform = make_platform("tickets")
    api = create_api(platform, service="tickets", title="Tests", routers=[])
    service = Service(name="tickets", api=api, prefixes=())

    def said() -> dict[str, float | None]:
        parts = ("bus", "store", "redis")
        return {part: platform.metrics.get_sample_value("deskbus_ready", {"part": part}) for part in parts}

    async with http_client(api) as http:
        unasked = said()
        async with make_platform.running((service, platform)):
            await http.get("/readyz")
            up = said()
        await http.get("/readyz")

    assert unasked == {"bus": None, "store": None, "redis": None}
    assert up == {"bus": 1, "store": 1, "redis": 1}
    assert said() == {"bus": 0, "store": 0, "redis": 1}


async def test_a_full_disk_is_a_metric_too(make_platform: PlatformFactory):
    """Whoever scrapes sees that new work is refused, and when it is taken in again."""
    admission = Full()
    platform = replace(make_platform("tickets"), admission=admission)
    create_api(platform, service="tickets", title="Tests", routers=[])
    full = platform.metrics.get_sample_value("deskbus_admission_open")
    admission.is_full = False

    assert full == 0
    assert platform.metrics.get_sample_value("deskbus_admission_open") == 1
