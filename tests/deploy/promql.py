"""Which metrics and labels an expression of Prometheus names, and which the services export."""

import re
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr

from deskbus.composition import SERVICE_NAMES, compose
from deskbus.engines import Engines
from deskbus.local_disks import LocalDisks
from deskbus.redis_engine import open_redis
from service_kit.settings import PlatformSettings

OF_THE_TARGET = {"job", "service", "instance"}
"""Labels that the scrape adds."""
_SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTED = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_NAME = re.compile(r"(?<![\w.])([a-zA-Z_:][\w:]*)\b(?!\s*\()")
_WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "offset", "bool"}


@dataclass(frozen=True, slots=True)
class Expression:
    """What an expression is about."""

    metrics: frozenset[str]
    labels: frozenset[str]

    @classmethod
    def read(cls, text: str) -> "Expression":
        """The names in it, without understanding more of it than that."""
        plain = _STRING.sub('""', text)
        matched = {label for _, inside in _SELECTED.findall(plain) for label in re.findall(r"(\w+)\s*[=!]", inside)}
        grouped = {label.strip() for inside in _GROUPED.findall(plain) for label in inside.split(",") if label.strip()}
        bare = _GROUPED.sub(" ", re.sub(r"\{[^}]*\}|\[[^\]]*\]|offset\s+\w+", " ", plain))
        return cls(frozenset(_NAME.findall(bare)) - _WORDS, frozenset(matched | grouped))


def exported() -> dict[str, set[str]]:
    """The labels of every series that the seven services export, by its name."""
    settings = PlatformSettings().model_copy(
        update={"bus_url": "", "store_url": "", "blobs_url": "", "secret_key": SecretStr("-" * 16)}
    )
    url = "redis://localhost"  # nothing connects
    registries = {name: CollectorRegistry() for name in SERVICE_NAMES}
    compose(Engines(settings, open_redis(url), url, LocalDisks([], 0), registries))
    series: dict[str, set[str]] = {}
    for registry in registries.values():
        for metric in list(registry._collector_to_names):
            assert isinstance(metric, MetricWrapperBase)
            labels = {*metric._labelnames, *(["le"] if metric._type == "histogram" else [])}
            series |= {f"{metric._name}{suffix}": labels for suffix in _SUFFIXES[metric._type]}
    return series
