import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service_kit.errors import TransientError
from service_kit.telemetry import configure_logging, create_tracer_provider

BODY = "the customer's own words"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Logging is global: put back what a test changes."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What was logged, parsed."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_our_logs_and_the_libraries_are_json_lines(capsys: pytest.CaptureFixture[str]):
    """One line an event, with time, level, logger, and ids bound further up."""
    configure_logging("INFO", json=True)
    structlog.contextvars.bind_contextvars(request_id="req_1")
    structlog.get_logger("ours").info("ticket_opened", ticket_id="t_1")
    logging.getLogger("theirs").warning("connection to %s lost", "peer")
    ours, theirs = lines(capsys)

    assert ours["event"] == "ticket_opened"
    assert ours["ticket_id"] == "t_1"
    assert (ours["logger"], ours["level"], ours["request_id"]) == ("ours", "info", "req_1")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("connection to peer lost", "theirs", "warning")
    assert str(ours["timestamp"]).endswith("Z")


def test_the_level_holds_for_everybody(capsys: pytest.CaptureFixture[str]):
    """Below the level nothing is written, by us or by libraries; a level that does not exist is refused."""
    configure_logging("warning", json=True)
    structlog.get_logger("ours").info("quiet")
    logging.getLogger("theirs").info("quiet")

    assert lines(capsys) == []
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("LOUD", json=True)


def test_a_console_gets_readable_lines(capsys: pytest.CaptureFixture[str]):
    """For people the line begins with the time and shows event and ids."""
    configure_logging("INFO", json=False)
    structlog.get_logger("ours").info("ticket_opened", ticket_id="t_1")
    line = capsys.readouterr().err

    assert "ticket_opened" in line
    assert "ticket_id=t_1" in line


def test_server_loggers_lose_their_own_handlers(capsys: pytest.CaptureFixture[str]):
    """What uvicorn set up for itself is routed through ours, and nobody's address or URL is logged at INFO."""
    server = logging.getLogger("uvicorn.error")
    server.addHandler(logging.StreamHandler())
    server.propagate = False
    configure_logging("INFO", json=True)
    server.info("started")
    logging.getLogger("uvicorn.access").info("127.0.0.1 GET /?token=secret")
    logging.getLogger("httpx").info("HTTP Request: POST https://hooks.example/secret")

    assert [line["event"] for line in lines(capsys)] == ["started"]


@pytest.mark.parametrize("as_json", [True, False])
def test_exceptions_do_not_quote_bodies(capsys: pytest.CaptureFixture[str], as_json: bool):  # noqa: FBT001 - parametrised
    """Types and places of an exception and its causes are logged; its text only where we wrote it ourselves."""
    configure_logging("INFO", json=as_json)

    def parse() -> None:
        int(BODY)

    try:
        try:
            parse()
        except ValueError as error:
            raise TransientError("the store is down") from error
    except TransientError:
        structlog.get_logger("ours").exception("failed")
        logging.getLogger("theirs").exception("failed")
    written = capsys.readouterr().err

    assert BODY not in written
    assert written.count("TransientError: the store is down") == 2
    assert written.count("ValueError") == 2
    assert "in parse" in written


def test_exception_groups_and_loops_of_causes_end(capsys: pytest.CaptureFixture[str]):
    """The members of a group are described; causes that form a circle do not keep the logger busy for ever."""
    configure_logging("INFO", json=True)
    member = KeyError("k")
    member.__context__ = group = ExceptionGroup("several", [member, TypeError(BODY)])
    structlog.get_logger("ours").error("failed", exc_info=group)
    [line] = lines(capsys)

    assert "TypeError" in str(line["exception"])
    assert BODY not in str(line["exception"])


def test_lines_within_a_span_carry_its_ids(capsys: pytest.CaptureFixture[str]):
    """A log line can be found from its trace and the other way round; spans name the service."""
    exporter = InMemorySpanExporter()
    provider = create_tracer_provider("tickets", [SimpleSpanProcessor(exporter)])
    configure_logging("INFO", json=True)
    with provider.get_tracer("test").start_as_current_span("opening"):
        structlog.get_logger("ours").info("inside")
    structlog.get_logger("ours").info("outside")
    inside, outside = lines(capsys)
    [span] = exporter.get_finished_spans()

    assert span.context is not None
    assert inside["trace_id"] == f"{span.context.trace_id:032x}"
    assert "trace_id" not in outside
    assert span.resource.attributes["service.name"] == "tickets"


def test_without_an_exporter_nothing_leaves():
    """By default spans only exist; no exporter is set up, no network is used."""
    provider = create_tracer_provider("tickets")
    span = provider.get_tracer("test").start_span("seen by nobody")

    assert not span.is_recording()
    assert span.get_span_context().is_valid
    assert isinstance(provider, TracerProvider)
    assert provider._active_span_processor._span_processors == ()
