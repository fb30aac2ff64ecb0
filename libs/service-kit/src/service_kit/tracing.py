"""Spans of ours, and the W3C trace context that travels in headers and waits in stored documents.

No span records an exception: its text may quote a customer.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

W3C = TraceContextTextMapPropagator()
"""Used directly: what we write and read is always this form, whatever else a process may be told to propagate."""

_TRACEPARENT = "traceparent"

_tracer = trace.get_tracer("service_kit")


def present_traceparent() -> str | None:
    """The present trace context as W3C writes it, to be stored with what is done later; None outside any trace."""
    carrier: dict[str, str] = {}
    W3C.inject(carrier)
    return carrier.get(_TRACEPARENT)


def context_of(traceparent: str) -> SpanContext:
    """The span that a W3C text names; an invalid one for a text that names none."""
    return trace.get_current_span(W3C.extract({_TRACEPARENT: traceparent})).get_span_context()


@contextmanager
def work_span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
    parent: SpanContext | None = None,
    links: Sequence[Link] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
    tracer: Tracer = _tracer,
) -> Iterator[Span]:
    """A span around a piece of work: a child of `parent` or `traceparent` if given, else of whatever is under way."""
    parent = parent or (context_of(traceparent) if traceparent else None)
    around = trace.set_span_in_context(NonRecordingSpan(parent)) if parent is not None else None
    span = tracer.start_span(name, context=around, kind=kind, links=links, attributes=attributes)
    token = context.attach(trace.set_span_in_context(span))
    try:
        yield span
    finally:
        context.detach(token)
        span.end()
