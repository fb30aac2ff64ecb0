"""What the OpenTelemetry Collector's exporter `debug` tells of the spans it was sent, when it tells all."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

_TOLD = re.compile(
    r"-> service\.name: Str\((?P<service>[^)]*)\)"
    r"|Trace ID +: (?P<trace>[0-9a-f]{32})"
    r"|Parent ID +: (?P<parent>[0-9a-f]{16})?"
    r"|\bName +: (?P<name>.+)"
    r"|-> Trace ID: (?P<link>[0-9a-f]{32})"
)


@dataclass(frozen=True, slots=True)
class CollectedSpan:
    """One span; `parent` is empty for the first of a trace. `links` are traces that it goes on with.

    Records that are handled together come of several traces: their span begins one of its own, and links to them.
    """

    service: str
    trace: str
    parent: str = ""
    name: str = ""
    links: frozenset[str] = frozenset()


def collected_spans(log: str) -> Iterator[CollectedSpan]:
    """All spans of the collector's log. Other things of its detailed text are passed over."""
    service, span = "", None
    for found in _TOLD.finditer(log):
        match found.lastgroup:
            case "service":
                service = found["service"]
            case "trace":
                if span is not None:
                    yield span
                span = CollectedSpan(service, found["trace"])
            case "parent" if span is not None:
                span = replace(span, parent=found["parent"])
            case "name" if span is not None:
                span = replace(span, name=found["name"].strip())
            case "link" if span is not None:
                span = replace(span, links=span.links | {found["link"]})
            case _:  # the empty parent of a first span
                pass
    if span is not None:
        yield span


def that_came_of(beginning: CollectedSpan, spans: Sequence[CollectedSpan]) -> list[CollectedSpan]:
    """Everything that a first span led to: its trace, and whatever is linked to it, and so on."""
    traces = {beginning.trace}
    while more := _linked_to(traces, spans) - traces:
        traces |= more
    return [span for span in spans if span.trace in traces]


def _linked_to(traces: set[str], spans: Iterable[CollectedSpan]) -> set[str]:
    return {span.trace for span in spans if span.links & traces}
