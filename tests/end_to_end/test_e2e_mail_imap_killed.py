"""A system that is killed between taking a mail from a mailbox and noting that it did."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from end_to_end.caller import Caller
from end_to_end.mail import Mail
from end_to_end.process import STOP_SECONDS, DeskbusProcess
from end_to_end.until import until
from engines import wanting
from engines.dovecot import USER, DovecotEngine, find_dovecot

pytestmark = pytest.mark.engines

PASSWORD = "sesame"
LEASE_SECONDS = "10"
"""The dead life's lease of the mailbox has to end before the next one reads it."""
ONE_PROCESS = "all of the system must die at once, and only one process does"


@pytest.fixture
def dovecot(local_engines: None) -> Iterator[DovecotEngine]:
    """A mailbox."""
    binary = find_dovecot()
    if binary is None:
        pytest.skip(wanting.reason(wanting.DOVECOT))
    with DovecotEngine(binary, password=PASSWORD) as engine:
        yield engine


def verdicts(owner: Caller, mail: Mail, count: int) -> list[str]:
    """How the deliveries of a mail ended, once they are so many."""

    def look() -> list[str]:
        items = owner.get("/v1/intake", provider_message_id=mail.message_id)["items"]
        return sorted(item["verdict"] for item in items) if len(items) >= count else []

    return until(look, seconds=40)


@pytest.mark.embedded_only(reason=ONE_PROCESS)
@pytest.mark.parametrize(
    ("point", "expected"),
    [("ingest_email.stored", ["created"]), ("ingest_email.announced", ["created", "duplicate"])],
)
def test_a_mail_taken_before_a_kill_is_there_once(
    tmp_path: Path, dovecot: DovecotEngine, point: str, expected: list[str]
) -> None:
    """The next life takes it again, as the same message: nothing is lost, nothing is doubled (I3, I4, X1)."""
    process = DeskbusProcess(tmp_path / "home", allow_private_urls=1, crash_at=point)
    process.environment["INGEST_EMAIL_IMAP_LEASE_SECONDS"] = LEASE_SECONDS
    try:
        process.start()
        process.wait_until_ready()
        facts = process.owner()
        sender, support = "jane@customer.example", facts["support_address"]
        first, second = (Mail(sender, support, subject=subject) for subject in ("Before", "After"))
        dovecot.deliver(first.content())
        mailbox = {"host": "127.0.0.1", "port": dovecot.port, "security": "none", "username": USER}
        wanted = {**mailbox, "password": PASSWORD, "address": support, "start_from": "all"}
        with httpx.Client(base_url=process.base_url, timeout=30) as client:
            Caller(client, facts["api_key"]).patch("/v1/settings/email", {"imap": {"main": wanted}})
        code = process.wait(STOP_SECONDS)
        process.environment.pop("DESKBUS_CRASH_AT")
        process.start()
        process.wait_until_ready()
        with httpx.Client(base_url=process.base_url, timeout=30) as client:
            owner = Caller(client, facts["api_key"])
            before = verdicts(owner, first, len(expected))
            dovecot.deliver(second.content())
            after = verdicts(owner, second, 1)
            tickets = owner.get("/v1/tickets", view="all", status="any")["items"]
        stopped = process.stop()
    finally:
        process.close()

    assert code == -signal.SIGKILL
    assert (before, after) == (expected, ["created"])
    assert sorted((one["subject"], one["message_count"]) for one in tickets) == [("After", 1), ("Before", 1)]
    assert stopped == 0
