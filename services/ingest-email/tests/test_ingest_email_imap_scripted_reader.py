"""Mailboxes at hostile IMAP servers, scripted: each costs its own mailbox a pause, and nothing more."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from contracts.imap import ImapMailbox
from contracts.inbound import InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from ingest_email.acceptance import Acceptance
from ingest_email.imap.imap_dialler import ImapDialler
from ingest_email.imap.imap_intake import ImapIntake
from ingest_email.imap.imap_line import LineLimits
from ingest_email.imap.imap_reader import ImapReader, ReaderParts
from ingest_email.imap.imap_roster import ImapRoster
from ingest_email.imap.imap_tenure import Tenure
from ingest_email.imap.token_servers import TokenServers
from ingest_email.metrics import MailMetrics
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory
from service_kit.testing.scripted_imap import ScriptedImap, body, folder, said

RAW = b"From: jane@customer.example\r\nSubject: %s\r\nMessage-ID: <%s@customer.example>\r\n\r\nHi\r\n"


def mailbox(port: int) -> ImapMailbox:
    """The mailbox at a scripted server, of which all is to be taken."""
    told = {"host": "127.0.0.1", "port": port, "security": "none", "username": "support", "password": "secret"}
    return ImapMailbox.model_validate({**told, "address": "support@acme.example", "start_from": "all"})


def holding(mails: Mapping[int, bytes], *, lies: Sequence[int] = ()) -> Callable[[str], bytes]:
    """FETCH of a folder with these mails; of those in `lies` it says that they are small, and sends without end."""

    def fetched(told: str) -> bytes:
        asked = [int(uid) for uid in told.partition(" ")[0].split(",")]
        if "SIZE" in told:
            return said(*[f"* {uid} FETCH (UID {uid} RFC822.SIZE 99)" for uid in asked])
        if asked[0] in lies:
            return f"* {asked[0]} FETCH (UID {asked[0]} BODY[] {{99000000}}\r\n".encode()
        return body(asked[0], mails[asked[0]]) if asked[0] in mails else said()

    return fetched


async def test_one_bad_mail_does_not_hold_up_the_others(serving: Any) -> None:
    """Deleted before it could be fetched, or larger than said: the cursor goes on, and the latter is told (I2)."""
    mails = {3: RAW % (b"third", b"3")}
    script = {
        "EXAMINE": lambda _: folder(uid_next=4),
        "SEARCH": lambda _: said("* SEARCH 1 2 3"),
        "FETCH": holding(mails, lies=[2]),
    }
    async with ScriptedImap(script).listening() as port, serving(mail_size_limit_bytes=1024) as email:
        wanted = mailbox(port).model_dump()
        await email.book.area.patch("acc_1", {"imap": {"main": wanted}})
        events = await eventually(lambda: email.events if len(email.events) == 2 else [], seconds=10)
        outcomes = [
            email.platform.metrics.get_sample_value("ingest_email_imap_mails_total", {"outcome": outcome})
            for outcome in ("gone", "too_large", "accepted")
        ]

    assert outcomes == [1, 1, 1]
    assert isinstance(events[0], IntakeVerdictRecorded)
    assert events[0].reason == "too_large"
    assert isinstance(events[1], InboundMessageReceived)
    assert events[1].subject == "third"


class Impatient(random.Random):
    """Draws no pause at all."""

    def uniform(self, a: float, b: float) -> float:
        """The least."""
        return 0


@dataclass
class Reading:
    """A reader at a scripted server, which does not pause after failures."""

    tenure: Tenure
    platform: Platform

    async def reaches(self, state: str) -> None:
        """Wait until the mailbox is in a state."""
        await eventually(lambda: self.tenure.mailbox.state == state, seconds=20)

    def count(self, outcome: str) -> float | None:
        """How many mails ended so."""
        return self.platform.metrics.get_sample_value("ingest_email_imap_mails_total", {"outcome": outcome})


@pytest.fixture
def reading(make_platform: PlatformFactory) -> Callable[[ScriptedImap], AbstractAsyncContextManager[Reading]]:
    """Runs a reader."""

    @asynccontextmanager
    async def run(server: ScriptedImap) -> AsyncIterator[Reading]:
        platform = make_platform("ingest-email")
        metrics = MailMetrics(platform.metrics)
        parts = ReaderParts(
            dialler=ImapDialler(LineLimits(10, 10, 1000), allow_private=True, ca_file=None),
            token_servers=TokenServers(platform.clock, allow_private=True, ca_file=None),
            secrets=platform.secrets,
            intake=ImapIntake(platform, Acceptance(platform), metrics),
            clock=platform.clock,
            metrics=metrics,
            chance=Impatient(),
            large_mails=asyncio.Semaphore(1),
            large_bytes=1000,
            mail_bytes=1000,
            poll_seconds=60,
            idle_seconds=60,
        )
        roster = ImapRoster(platform.store, platform.clock)
        await platform.store.start()
        await platform.bus.start()
        await roster.want("acc_1", ["main"])
        [tenure] = await roster.claim(lease=timedelta(minutes=1), room=1, but=())
        async with server.listening() as port:
            wanted = mailbox(port)
            running = asyncio.create_task(ImapReader(tenure, wanted, parts).run())
            yield Reading(tenure, platform)
            running.cancel()
            await asyncio.wait([running])
        await platform.bus.stop()
        await platform.store.stop()

    return run


@pytest.mark.parametrize("refusal", [b"%TAG% NO [SERVERBUG] broken\r\n", b"* BYE broken\r\n"])
async def test_a_mail_that_cannot_be_fetched_is_left(reading: Any, refusal: bytes) -> None:
    """Refused, or the end of every connection: after ten tries the others are taken past it (I2, I6)."""
    whole = holding({2: RAW % (b"second", b"2")})
    server = ScriptedImap({"FETCH": lambda asked: refusal if asked.startswith("1 (BODY") else whole(asked)})
    async with reading(server) as reader:
        await reader.reaches("polling")

    assert (reader.count("not_handed_over"), reader.count("accepted")) == (1, 1)
    assert len([line for line in server.asked if line.startswith("UID FETCH 1 (BODY")]) == 10
    assert reader.tenure.mailbox.cursor.last_uid == 2


async def test_a_server_that_refuses_to_tell_is_asked(reading: Any) -> None:
    """Some have the capability and not the command: their mailboxes are polled, not connected to without end."""
    idle = {
        "CAPABILITY": lambda _: said("* CAPABILITY IMAP4rev1 IDLE"),
        "IDLE": lambda _: b"%TAG% BAD no\r\n",
        "FETCH": lambda _: said(),
    }
    server = ScriptedImap(idle)
    async with reading(server) as reader:
        await reader.reaches("polling")

    assert server.asked.count("IDLE") == 1


async def test_a_folder_that_is_another_each_time_is_left_alone(serving: Any) -> None:
    """A server that changes its UIDVALIDITY at every look makes one mail one message, and is not read without end."""
    looks = iter(range(1, 1000))
    script = {
        "EXAMINE": lambda _: folder(uid_validity=next(looks), uid_next=2),
        "SEARCH": lambda _: said("* SEARCH 1"),
        "FETCH": holding({1: RAW % (b"one", b"1")}),
    }
    async with ScriptedImap(script).listening() as port, serving(imap_poll_seconds=0.01) as email:
        wanted = mailbox(port).model_dump()
        await email.book.area.patch("acc_1", {"imap": {"main": wanted}})

        async def is_left() -> bool:
            known = (await email.book.mailboxes.of_account("acc_1")).get("main")
            return known is not None and known.last_error == "folder_unsteady"

        await eventually(is_left, seconds=10)
        await eventually(lambda: email.events)

    assert len({event.message_id for event in email.events}) == 1
    assert len(email.events) <= 2
