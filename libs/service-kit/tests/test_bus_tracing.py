import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

from service_kit.bus.record import Record
from service_kit.bus.tracing import batch_span, with_trace


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Where spans end."""
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Tracer:
    """A tracer of this test alone."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("test")


def test_a_trace_goes_on(exporter: InMemorySpanExporter, tracer: Tracer) -> None:
    """Records of one trace are handled within it."""
    with tracer.start_as_current_span("accept"):
        records = [with_trace(Record("k", b"1")), with_trace(Record("k", b"2"))]

    with batch_span("walks-v1", "router", records, tracer=tracer):
        pass

    accept, batch = exporter.get_finished_spans()
    assert batch.context.trace_id == accept.context.trace_id
    assert batch.parent is not None
    assert batch.parent.span_id == accept.context.span_id


def test_batch_links_to_its_producers(exporter: InMemorySpanExporter, tracer: Tracer) -> None:
    """One consumer span for a batch of several traces: its own, linked to every span that published into it."""
    records = [Record("k", b"untraced")]
    for name in ("first", "second"):
        with tracer.start_as_current_span(name):
            records += [with_trace(Record("k", b"1")), with_trace(Record("k", b"2"))]

    with batch_span("walks-v1", "router", records, tracer=tracer):
        pass

    first, second, batch = exporter.get_finished_spans()
    assert batch.kind is SpanKind.CONSUMER
    assert [link.context.span_id for link in batch.links] == [first.context.span_id, second.context.span_id]
    assert batch.attributes is not None
    assert batch.attributes["messaging.batch.message_count"] == 5
