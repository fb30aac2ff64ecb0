from prometheus_client import CollectorRegistry

from service_kit.bus.metrics import BusMetrics


def test_buses_share_a_registry() -> None:
    """Buses of one process count in one set of counters; another registry has its own."""
    registry = CollectorRegistry()

    first, second, other = BusMetrics.on(registry), BusMetrics.on(registry), BusMetrics.on(CollectorRegistry())
    first.retries.labels("walks-v1", "router").inc()
    second.retries.labels("walks-v1", "router").inc()

    assert first is second
    assert other is not first
    assert registry.get_sample_value("deskbus_bus_retries_total", {"topic": "walks-v1", "group": "router"}) == 2
