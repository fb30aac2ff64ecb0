"""FastStream's own log in ours: warnings and errors as one line each, without tracebacks."""

import logging
from collections.abc import Mapping
from typing import Any

import structlog

_KNOWN = "Make sure the topics exist."
"""Said at every start of a Kafka consumer that may not create its topics; ours were checked before that."""

log = structlog.get_logger(__name__)


class BrokerLog:
    """What a FastStream broker takes as its logger.

    Two lines per batch at lower levels say nothing that the metrics do not. A lost server would otherwise print one
    traceback per subscription every few seconds.
    """

    def log(self, level: int, msg: Any, /, *, exc_info: Any = None, extra: Mapping[str, Any] | None = None) -> None:
        """Pass on what matters."""
        if level >= logging.WARNING and not str(msg).endswith(_KNOWN):
            channel = (extra or {}).get("channel")
            log.log(level, "broker_said", said=str(msg), channel=channel, error=repr(exc_info) if exc_info else None)
