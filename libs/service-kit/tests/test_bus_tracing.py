from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from service_kit.bus.record import Record
from service_kit.bus.tracing import batch_span, with_trace


def test_batch_links_to_its_producers() -> None:
    """One consumer span for a batch, linked to every span that published into it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
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
