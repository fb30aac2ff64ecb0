"""aiokafka's own log, made bearable: while a cluster is away each consumer would print a hundred lines a second."""

import logging

_LOGGERS = (
    "aiokafka",
    "aiokafka.conn",
    "aiokafka.cluster",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.producer",
    "aiokafka.producer.sender",
)
_QUIET_SECONDS = 30.0
_MOST_MESSAGES = 1000


class OnceInAWhile(logging.Filter):
    """Lets each message through again only after a pause, whatever its arguments are."""

    def __init__(self, quiet_seconds: float = _QUIET_SECONDS) -> None:
        super().__init__()
        self._quiet_seconds = quiet_seconds
        self._told_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to print it; by the record's own time."""
        message = f"{record.name} {record.msg}"
        last = self._told_at.get(message)
        if last is not None and 0 <= record.created - last < self._quiet_seconds:
            return False
        if len(self._told_at) >= _MOST_MESSAGES:
            self._told_at.clear()
        self._told_at[message] = record.created
        return True


def quieten() -> None:
    """Put the filter before each of the library's loggers; once is enough for the process."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, OnceInAWhile) for one in logger.filters):
            logger.addFilter(OnceInAWhile())
