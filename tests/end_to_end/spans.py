"""The other side of OTLP: a collector that keeps the spans it was sent."""

from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from end_to_end.http_peer import HttpPeer


@dataclass(frozen=True, slots=True)
class Seen:
    """One span; ids are hexadecimal, `parent_id` empty for the first of a trace."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]


def spans_sent_to(collector: HttpPeer) -> list[Seen]:
    """All spans so far."""
    return [span for request in collector.requests for span in _spans(request.body)]


def _spans(body: bytes) -> list[Seen]:
    exported = ExportTraceServiceRequest.FromString(body)
    return [
        Seen(
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            attributes={pair.key: pair.value.string_value for pair in span.attributes},
        )
        for resource in exported.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
