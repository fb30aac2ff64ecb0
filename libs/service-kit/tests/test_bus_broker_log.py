import logging

from structlog.testing import capture_logs

from service_kit.bus.broker_log import BrokerLog


def test_only_what_matters() -> None:
    """Warnings and errors of the broker become one line each, without a traceback; its chatter is dropped."""
    broker_log = BrokerLog()

    with capture_logs() as lines:
        broker_log.log(logging.INFO, "Received", extra={"channel": "walks-v1"})
        broker_log.log(logging.ERROR, "Fetch error", exc_info=OSError("gone"), extra={"channel": "walks-v1"})

    assert lines == [
        {
            "event": "broker_said",
            "log_level": "error",
            "said": "Fetch error",
            "channel": "walks-v1",
            "error": "OSError('gone')",
        }
    ]
