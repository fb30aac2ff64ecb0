"""W3C trace context over the bus: producers put theirs into the headers, consumers go on from it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.trace import Link, SpanKind, Tracer

from service_kit.bus.record import Record
from service_kit.tracing import W3C, context_of, work_span

_tracer = trace.get_tracer("service_kit.bus")


def with_trace(record: Record) -> Record:
    """The record with the present trace context among its headers."""
    headers = dict(record.headers)
    W3C.inject(headers)
    return replace(record, headers=headers)


@contextmanager
def batch_span(topic: str, group: str, records: Sequence[Record], *, tracer: Tracer = _tracer) -> Iterator[None]:
    """A consumer span around one batch.

    It goes on with the trace that all its records share. A batch of several has many causes: it links to each of them
    and begins a trace of its own, as OpenTelemetry's conventions for messaging have it.
    """
    parents = dict.fromkeys(text for record in records if (text := record.headers.get("traceparent")))
    causes = [context for text in parents if (context := context_of(text)).is_valid]
    is_one_trace = len({context.trace_id for context in causes}) == 1
    with work_span(
        f"process {topic}",
        kind=SpanKind.CONSUMER,
        parent=causes[0] if is_one_trace else None,
        links=[Link(context) for context in causes],
        attributes={
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.consumer.group.name": group,
            "messaging.batch.message_count": len(records),
        },
        tracer=tracer,
    ):
        yield
