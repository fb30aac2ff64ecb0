"""Logs and traces of a process: structured lines on standard error, spans for whoever adds an exporter.

Log event names and ids, never bodies. What slips through by way of an exception's text is held back here:
foreign exceptions quote what they choked on, which may be a customer's words.
"""

import logging
import traceback
from collections.abc import Iterator, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from structlog.typing import EventDict, Processor

from service_kit.errors import DeskbusError

_BRINGS_OWN_HANDLER = ("uvicorn", "uvicorn.error", "uvicorn.access", "faststream")
_TELLS_TOO_MUCH = ("uvicorn.access", "httpx", "httpcore", "aiokafka", "imapclient")
"""At INFO these write addresses of people and URLs that hold tokens; at DEBUG, whole records and lines of mails."""
_LARGEST_FILE_BYTES = 20 * 1024 * 1024
_OLDER_FILES = 3
_FRAMES = 40
_CHAIN = 8

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure_logging(level: str, *, json: bool, file: Path | None = None) -> None:
    """Send all logs of the process, ours and the libraries', to standard error or a rotated file.

    They are JSON lines, or lines for reading.

    Raises:
        ValueError: there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"log level {level!r} is none of DEBUG, INFO, WARNING, ERROR")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace_ids,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(number, _formatter(shared, json=json), file)


def create_tracer_provider(service: str, processors: Sequence[SpanProcessor] = ()) -> TracerProvider:
    """What makes the spans of `service`; without processors they only lend their ids to logs and events."""
    # What nobody will see is not worth recording.
    sampler = None if processors else ALWAYS_OFF
    provider = TracerProvider(sampler, Resource.create({SERVICE_NAME: service}))
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def configure_tracing(service: str, processors: Sequence[SpanProcessor] = ()) -> TracerProvider:
    """Make all spans of this process belong to `service`. Once a process: OpenTelemetry keeps the first."""
    provider = create_tracer_provider(service, processors)
    trace.set_tracer_provider(provider)
    return provider


def span_processors(otlp_endpoint: str) -> list[SpanProcessor]:
    """What sends spans to an OpenTelemetry collector over OTLP/HTTP; nothing without an endpoint."""
    if not otlp_endpoint:
        return []
    # Half a second of imports that most starts do not need.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    return [BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces"))]


def describe_exception(exc_info: ExcInfo) -> str:
    """Types and places of an exception and its causes; the text only of errors whose text cannot quote a body."""
    _, error, _ = exc_info
    lines: list[str] = []
    for link in _chain(error):
        is_plain = isinstance(link, DeskbusError | OSError)
        lines.append(f"{type(link).__name__}: {link}" if is_plain else type(link).__name__)
        frames = traceback.extract_tb(link.__traceback__)[-_FRAMES:]
        lines.extend(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    return "\n".join(lines)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what caused it, and so on; of a group also its members. Bounded."""
    waiting: list[BaseException] = [error]
    for _ in range(_CHAIN):
        if not waiting:
            return
        link = waiting.pop(0)
        yield link
        cause = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        waiting.extend([cause] if cause is not None else [])
        waiting.extend(link.exceptions if isinstance(link, BaseExceptionGroup) else [])


def _formatter(shared: Sequence[Processor], *, json: bool) -> logging.Formatter:
    renderer: Processor = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(describe_exception),
            renderer,
        ],
    )


def _route_standard_logging(level: int, formatter: logging.Formatter, file: Path | None) -> None:
    handler: logging.Handler = logging.StreamHandler()
    if file is not None:
        handler = RotatingFileHandler(file, maxBytes=_LARGEST_FILE_BYTES, backupCount=_OLDER_FILES, encoding="utf-8")
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in _BRINGS_OWN_HANDLER:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _TELLS_TOO_MUCH:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _with_trace_ids(_logger: Any, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event
