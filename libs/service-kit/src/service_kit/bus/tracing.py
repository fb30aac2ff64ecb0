"""W3C trace context over the bus: producers put theirs into the headers, a batch links to all of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, SpanKind, Tracer

from service_kit.bus.record import Record

_tracer = trace.get_tracer("service_kit.bus")


def with_trace(record: Record) -> Record:
    """The record with the present trace context among its headers."""
    headers = dict(record.headers)
    propagate.inject(headers)
    return replace(record, headers=headers)


@contextmanager
def batch_span(topic: str, group: str, records: Sequence[Record], *, tracer: Tracer = _tracer) -> Iterator[None]:
    """A consumer span around one batch.

    Links instead of a parent, because a batch has many causes. Exceptions are not recorded: their text may quote
    a customer.
    """
    with tracer.start_as_current_span(
        f"process {topic}",
        kind=SpanKind.CONSUMER,
        links=_links(records),
        attributes={
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.consumer.group.name": group,
            "messaging.batch.message_count": len(records),
        },
        record_exception=False,
        set_status_on_exception=False,
    ):
        yield


def _links(records: Sequence[Record]) -> list[Link]:
    parents = {text: record for record in records if (text := record.headers.get("traceparent"))}
    contexts = [
        trace.get_current_span(propagate.extract(dict(record.headers))).get_span_context()
        for record in parents.values()
    ]
    return [Link(context) for context in contexts if context.is_valid]
