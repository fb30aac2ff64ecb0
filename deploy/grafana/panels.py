"""Panels and dashboards as Grafana reads them, and the panels that several dashboards have."""  # noqa: INP001 - beside a program, not in a package

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SOURCE = {"type": "prometheus", "uid": "prometheus"}
_STAT = (4, 4)
_SERIES = (12, 8)
_WIDTH = 24


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture; `queries` are pairs of an expression and a legend, `red` is where it becomes alarming."""

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    description: str = ""
    red: float | None = None
    is_stat: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height on Grafana's grid of 24 columns."""
        return _STAT if self.is_stat else _SERIES

    def as_json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """What Grafana reads."""
        width, height = self.size
        steps = [{"color": "green", "value": None}, *([{"color": "red", "value": self.red}] if self.red else [])]
        defaults = {"unit": self.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
        return {
            "id": number,
            "type": "stat" if self.is_stat else "timeseries",
            "title": self.title,
            "description": self.description,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": width, "h": height},
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": self._options,
            "targets": [
                {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
                for place, (expression, legend) in enumerate(self.queries)
            ],
        }

    @property
    def _options(self) -> dict[str, Any]:
        if self.is_stat:
            return {
                "reduceOptions": {"calcs": ["lastNotNull"]},
                "colorMode": "background" if self.red else "value",
            }
        return {
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Panels in reading order."""

    uid: str
    title: str
    description: str
    panels: Sequence[Panel]

    def as_json(self) -> dict[str, Any]:
        """What Grafana reads."""
        x = y = tallest = 0
        placed = []
        for number, panel in enumerate(self.panels, start=1):
            width, height = panel.size
            if x + width > _WIDTH:
                x, y, tallest = 0, y + tallest, 0
            placed.append(panel.as_json(number, x, y))
            x, tallest = x + width, max(tallest, height)
        links = {"type": "dashboards", "title": "Deskbus", "tags": ["deskbus"], "asDropdown": True, "keepTime": True}
        return {
            "uid": self.uid,
            "title": f"Deskbus: {self.title}",
            "description": self.description,
            "tags": ["deskbus"],
            "timezone": "utc",
            "schemaVersion": 39,
            "editable": False,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "links": [links],
            "panels": placed,
        }


def rate(metric: str, by: str, labels: str = "") -> str:
    """Events per second over five minutes."""
    return f"sum by ({by}) (rate({metric}{{{labels}}}[5m]))"


def stat(title: str, query: str, unit: str = "short", *, red: float | None = None, description: str = "") -> Panel:
    """One number."""
    return Panel(title, [(query, "")], unit, description, red, is_stat=True)


def lag(labels: str = "") -> Panel:
    """What waits to be read."""
    query = f"sum by (topic, group) (deskbus_bus_lag_records{{{labels}}})"
    return Panel("Lag", [(query, "{{topic}} · {{group}}")], description="Records not delivered yet.")


def dead_letters(labels: str) -> Panel:
    """What was set aside."""
    query = f"sum by (topic, group, reason) (deskbus_bus_dead_letters_total{{{labels}}})"
    return Panel("Dead letters", [(query, "{{topic}} · {{group}} · {{reason}}")], description="Since the start.")


def retries(group: str) -> Panel:
    """What had to be done again."""
    return Panel(
        "Attempts repeated", [(rate("deskbus_bus_retries_total", "topic", f'group="{group}"'), "{{topic}}")], "cps"
    )


def upkeep(service: str) -> list[Panel]:
    """What goes on by itself in one service."""
    own = f'{{service="{service}"}}'
    return [
        Panel(
            "Oldest unpublished event",
            [(f"max by (outbox) (deskbus_outbox_oldest_seconds{own})", "{{outbox}}")],
            "s",
            red=60,
        ),
        Panel("Timers late", [(f"max by (timers) (deskbus_timers_late_seconds{own})", "{{timers}}")], "s", red=60),
    ]


def http(service: str) -> list[Panel]:
    """How one service answers."""
    own = f'service="{service}"'
    asked = rate("deskbus_http_requests_total", "status", f'{own},route!~"/healthz|/readyz|/metrics"')
    slowest = f"topk(8, histogram_quantile(0.99, {rate('deskbus_http_request_seconds_bucket', 'route, le', own)}))"
    return [
        Panel("Requests", [(asked, "{{status}}")], "reqps"),
        Panel("Slowest routes, p99", [(slowest, "{{route}}")], "s"),
    ]
