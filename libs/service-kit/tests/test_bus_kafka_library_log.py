import logging

from service_kit.bus.kafka.library_log import OnceInAWhile, quieten


def record(message: str, *arguments: object, at: float) -> logging.LogRecord:
    """A log line of some moment."""
    made = logging.LogRecord("aiokafka", logging.ERROR, "", 0, message, arguments, None)
    made.created = at
    return made


def test_each_message_once_in_a_while():
    """The same message is told again only after the pause, whatever its arguments; others are told meanwhile."""
    told = OnceInAWhile(quiet_seconds=30)

    assert told.filter(record("no node %s", 1, at=100.0))
    assert not told.filter(record("no node %s", 2, at=129.0))
    assert told.filter(record("no group", at=129.0))
    assert told.filter(record("no node %s", 1, at=130.0))


def test_a_clock_that_goes_back():
    """A clock that is set back silences nothing."""
    told = OnceInAWhile(quiet_seconds=30)

    assert told.filter(record("no node", at=100.0))
    assert told.filter(record("no node", at=50.0))


def test_quieten_is_repeatable():
    """However many buses a process has, a logger gets one filter."""
    quieten()
    quieten()

    filters = logging.getLogger("aiokafka.consumer.fetcher").filters

    assert sum(isinstance(one, OnceInAWhile) for one in filters) == 1
