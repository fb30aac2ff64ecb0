from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from deskbus.merged_metrics import MergedMetrics


def test_samples_of_all_services_are_told_apart_within_one_family() -> None:
    """Two services that count the same thing give one family, each sample with its service's name."""
    registries = {name: CollectorRegistry() for name in ("tickets", "router")}
    for number, registry in enumerate(registries.values(), start=1):
        Counter("deskbus_things", "Things counted", ["kind"], registry=registry).labels("small").inc(number)
        Histogram("deskbus_seconds", "Time taken", registry=registry, buckets=(1, 2)).observe(1.5)
    Gauge("only_here", "Of one service", registry=registries["router"]).set(7)
    whole = CollectorRegistry()
    whole.register(MergedMetrics(registries))
    families = {family.name: family for family in text_string_to_metric_families(generate_latest(whole).decode())}
    counted = {
        sample.labels["service"]: (sample.value, sample.labels["kind"])
        for sample in families["deskbus_things"].samples
        if sample.name == "deskbus_things_total"
    }

    assert counted == {"tickets": (1.0, "small"), "router": (2.0, "small")}
    assert (families["deskbus_things"].type, families["deskbus_seconds"].type) == ("counter", "histogram")
    assert families["deskbus_things"].documentation == "Things counted"
    assert [(sample.labels, sample.value) for sample in families["only_here"].samples] == [({"service": "router"}, 7.0)]
