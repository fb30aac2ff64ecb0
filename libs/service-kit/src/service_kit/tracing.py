"""Spans of ours, and the W3C trace context that travels in headers and waits in stored documents.

No span records an exception: its text may quote a customer.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Tracer
from opentelemetry.util.types import AttributeValue

_TRACEPARENT = "traceparent"

_tracer = trace.get_tracer("service_kit")


def present_traceparent() -> str | None:
    """The present trace context as W3C writes it, to be stored with what is done later; None outside any trace."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get(_TRACEPARENT)


def context_of(traceparent: str) -> SpanContext:
    """The span that a W3C text names; an invalid one for a text that names none."""
    return trace.get_current_span(propagate.extract({_TRACEPARENT: traceparent})).get_span_context()


@contextmanager
def work_span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
    links: Sequence[Link] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
    tracer: Tracer = _tracer,
) -> Iterator[Span]:
    """A span around a piece of work: a child of `traceparent` where one is given, else of whatever is under way."""
    with tracer.start_as_current_span(
        name,
        context=propagate.extract({_TRACEPARENT: traceparent}) if traceparent else None,
        kind=kind,
        links=links,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span
