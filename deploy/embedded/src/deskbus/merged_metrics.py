"""The registries of all services as one: every sample says which service it belongs to."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector


class MergedMetrics(Collector):
    """Collects from each service's registry and adds the label `service`."""

    def __init__(self, registries: Mapping[str, CollectorRegistry]) -> None:
        self._registries = registries

    def collect(self) -> Iterable[Metric]:
        """Families of the same name become one family."""
        merged: dict[str, Metric] = {}
        for service, registry in self._registries.items():
            for family in registry.collect():
                target = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                target.samples.extend(
                    sample._replace(labels={**sample.labels, "service": service}) for sample in family.samples
                )
        return merged.values()
