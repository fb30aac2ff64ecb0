"""The collector's detailed text is read as it is meant."""

from deploy.collected_spans import CollectedSpan, collected_spans, that_came_of

_LOG = """
otel-collector_1  | ResourceSpans #0
otel-collector_1  | Resource attributes:
otel-collector_1  |      -> service.name: Str(deskbus-ingest-email)
otel-collector_1  | InstrumentationScope deskbus
otel-collector_1  | Span #0
otel-collector_1  |     Trace ID       : 5b8efff798038103d269b633813fc60c
otel-collector_1  |     Parent ID      :
otel-collector_1  |     ID             : eee19b7ec3c1b174
otel-collector_1  |     Name           : accept mail
otel-collector_1  |     Kind           : Server
otel-collector_1  | SpanEvent #0
otel-collector_1  |      -> Name: stored
otel-collector_1  | ResourceSpans #1
otel-collector_1  |      -> service.name: Str(deskbus-notifier)
otel-collector_1  | Span #0
otel-collector_1  |     Trace ID       : a02f2b3994fc1d0a70286fe68381be78
otel-collector_1  |     Parent ID      :
otel-collector_1  |     ID             : 6c6acc78a3edfd98
otel-collector_1  |     Name           : process ticket-events-v1
otel-collector_1  | Links:
otel-collector_1  | SpanLink #0
otel-collector_1  |      -> Trace ID: 5b8efff798038103d269b633813fc60c
otel-collector_1  |      -> ID: eee19b7ec3c1b174
otel-collector_1  | Span #1
otel-collector_1  |     Trace ID       : a02f2b3994fc1d0a70286fe68381be78
otel-collector_1  |     Parent ID      : 6c6acc78a3edfd98
otel-collector_1  |     ID             : eee19b7ec3c1b175
otel-collector_1  |     Name           : send webhook
"""


def test_spans_are_read_with_their_service_their_trace_and_their_links() -> None:
    """Two processes, two traces of which one goes on with the other; what else the text holds is passed over."""
    first, batch = "5b8efff798038103d269b633813fc60c", "a02f2b3994fc1d0a70286fe68381be78"
    accepted, processed, sent = list(collected_spans(_LOG))

    assert accepted == CollectedSpan("deskbus-ingest-email", first, "", "accept mail")
    assert processed == CollectedSpan("deskbus-notifier", batch, "", "process ticket-events-v1", frozenset({first}))
    assert sent == CollectedSpan("deskbus-notifier", batch, "6c6acc78a3edfd98", "send webhook")
    assert that_came_of(accepted, [accepted, processed, sent]) == [accepted, processed, sent]
    assert that_came_of(sent, [accepted, processed, sent]) == [processed, sent]
