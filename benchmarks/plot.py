"""A result as a picture: bars from zero, pipeline beside floor; and latencies at steady rates. Plain SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.figures import Result

_WIDTH = 760
_LABEL = 250
_BAR = 16
_GAP = 8
_GROUP_GAP = 10
_INK = {"pipeline": "#2f6f9f", "floor": "#b9c4cc", "p50": "#8fb8d4", "p99": "#2f6f9f"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One measured figure."""

    label: str
    kind: str
    value: float


def plot(result: Result) -> str:
    """The whole picture as SVG."""
    speeds, latencies = _speeds(result), _latencies(result)
    body, bottom = _chart("Messages a second at saturation, pipeline and floor", speeds, 0)
    more, bottom = _chart("Milliseconds from accepted to assigned at steady rates, p50 and p99", latencies, bottom)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{bottom + 10}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>{body}{more}</svg>\n'
    )


def _speeds(result: Result) -> list[list[Bar]]:
    groups = []
    for one in result.saturation:
        if one.pipeline is not None and one.floor is not None:
            label = f"{one.engines}, {one.scenario}" + (f" x{one.replicas}" if one.replicas > 1 else "")
            pair = (("pipeline", one.pipeline), ("floor", one.floor))
            groups.append([Bar(f"{label}: {kind}", kind, measured.messages_per_second) for kind, measured in pair])
    return groups


def _latencies(result: Result) -> list[list[Bar]]:
    groups = []
    for one in result.steady:
        if one.p50_ms is not None and one.p99_ms is not None:
            label = f"{one.engines}, {one.rate:g}/s"
            groups.append([Bar(f"{label}: p50", "p50", one.p50_ms), Bar(f"{label}: p99", "p99", one.p99_ms)])
    return groups


def _chart(title: str, groups: Sequence[Sequence[Bar]], top: int) -> tuple[str, int]:
    """Bars of one unit on one scale from zero; and where the next chart may begin."""
    if not groups:
        return "", top
    y = top + 24
    parts = [f'<text x="10" y="{y}" font-weight="bold">{escape(title)}</text>']
    y += 14
    largest = max(bar.value for group in groups for bar in group) or 1.0
    for group in groups:
        for bar in group:
            length = bar.value / largest * (_WIDTH - _LABEL - 80)
            parts.append(
                f'<text x="{_LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(bar.label)}</text>'
                f'<rect x="{_LABEL}" y="{y}" width="{length:.1f}" height="{_BAR}" fill="{_INK[bar.kind]}"/>'
                f'<text x="{_LABEL + length + 6:.1f}" y="{y + 12}">{bar.value:.0f}</text>'
            )
            y += _BAR + _GAP // 2
        y += _GROUP_GAP
    return "".join(parts), y
