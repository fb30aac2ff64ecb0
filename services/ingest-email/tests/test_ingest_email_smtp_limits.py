"""Limits of the SMTP door are for strangers: relays pass, and a load balancer is believed for whom it connects."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiosmtplib
import pytest

from contracts.envelope import Event
from contracts.mail import MailAccepted
from ingest_email.settings import IngestEmailSettings
from ingest_email.smtp.networks import Networks, site_of
from ingest_email.smtp.pace import Pace
from ingest_email.smtp.seats import Seats
from ingest_email.smtp.smtp_origin import origin_in
from service_kit.bus import Bus
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually

PLAIN = b"From: jane@customer.example\r\nSubject: Hi\r\nMessage-ID: <1@customer.example>\r\n\r\nHello\r\n"
MAIL = b"MAIL FROM:<jane@customer.example>\r\nRCPT TO:<support@acme.example>\r\nDATA\r\n" + PLAIN + b".\r\n"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::25", True),
        ("2001:db8::26", False),
        ("11.0.0.1", False),
        ("fe80::1%eth0", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_networks_hold_addresses(address: str, *, is_in: bool) -> None:
    """IPv4 in IPv6 is IPv4, and what is no address is in no network."""
    assert (address in Networks("10.0.0.0/8, 2001:db8::25")) is is_in
    assert address not in Networks("")


def test_settings_refuse_what_is_no_network() -> None:
    """A relay that is misspelt would silently be limited as a stranger."""
    with pytest.raises(ValueError, match="trusted_relays"):
        IngestEmailSettings(trusted_relays="10.0.0.0/8, relay.example")


def test_a_site_of_ipv6_is_one_peer() -> None:
    """Who has a network of IPv6 addresses has no more connections than who has one of IPv4."""
    assert site_of("2001:db8::1") == site_of("2001:db8::ffff:2") == "2001:db8::/64"
    assert site_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert site_of("unknown") == "unknown"


def test_pace_counts_each_peer_by_the_minute() -> None:
    """A peer over its share is asked to come again, others are not, and a new minute begins at nought."""
    pace = Pace(2)

    assert [pace.take("a", NOON) for _ in range(3)] == [True, True, False]
    assert pace.take("b", NOON + timedelta(seconds=59))
    assert pace.take("a", NOON + timedelta(seconds=60))
    assert pace.take("a", NOON - timedelta(seconds=1))


def test_seats_of_relays_are_limited_in_all_only() -> None:
    """A relay may take every seat that is left; a seat moves to whom the connection is for, if they may have it."""
    seats = Seats(total=3, per_peer=1)

    assert seats.take("stranger", is_stranger=True)
    assert not seats.take("stranger", is_stranger=True)
    assert [seats.take("relay", is_stranger=False) for _ in range(3)] == [True, True, False]
    assert not seats.move("relay", "stranger", is_stranger=True)
    assert seats.move("relay", "other", is_stranger=True)
    seats.give_back("other")
    assert seats.take("relay", is_stranger=False)


async def test_strangers_are_slowed_down_and_relays_are_not(serving: Any) -> None:
    """Beyond its mails of a minute a stranger gets 450, which loses nothing; a relay that we know gets 250."""
    async with serving(trusted_relays="", mails_per_minute_per_peer_max=1) as email:
        first, _ = await email.send(PLAIN)
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await email.send(PLAIN)
    async with serving(
        trusted_relays="127.0.0.1", mails_per_minute_per_peer_max=1, connections_per_peer_max=1
    ) as email:
        others = [await asyncio.open_connection("127.0.0.1", email.port) for _ in range(3)]
        codes = [(await email.send(PLAIN))[0] for _ in range(3)]
        for _, writer in others:
            writer.close()
            await writer.wait_closed()

    assert first == 250
    assert (refused.value.code, refused.value.message[:5]) == (450, "4.7.1")
    assert codes == [250, 250, 250]


@pytest.mark.parametrize(
    ("attributes", "origin"),
    [
        ("NAME=mx.b.example ADDR=192.0.2.7 PROTO=ESMTP", "192.0.2.7"),
        ("addr=IPV6:2001:db8::7", "2001:db8::7"),
        ("ADDR=[UNAVAILABLE]", None),
        ("ADDR=192.0.2.7777", None),
        ("NAME=x+20ADDR=192.0.2.7", None),
        ("ADDR=" + "1." * 10_000, None),
        ("", None),
    ],
    ids=range(7),
)
def test_a_relay_tells_an_address_or_nothing(attributes: str, origin: str | None) -> None:
    """What is no address is not taken for one."""
    assert origin_in(attributes) == origin


async def test_only_relays_say_from_whom_a_mail_is(serving: Any) -> None:
    """XFORWARD is for relays that we know and for the next mail; a stranger is neither offered it nor believed."""
    heard: list[MailAccepted] = []

    def listening(platform: Platform) -> Platform:
        return replace(platform, bus=_Overhearing(platform.bus, heard))  # type: ignore[arg-type]

    async with serving(change=listening) as email:
        said = b"XFORWARD ADDR=192.0.2.7\r\nXFORWARD NAME=mx.b.example\r\n"
        answers = await _said(email.port, b"EHLO x\r\n" + said + MAIL + MAIL + b"QUIT\r\n")
    async with serving(trusted_relays="") as email:
        refused = await _said(email.port, b"EHLO x\r\n" + said + b"QUIT\r\n")

    assert b"250-XFORWARD ADDR" in answers
    assert [mail.peer for mail in heard] == ["192.0.2.7", "127.0.0.1"]
    assert not any(b"XFORWARD" in answer for answer in refused)
    assert [answer[:9] for answer in refused if answer.startswith(b"5")] == [b"550 5.7.1", b"550 5.7.1"]


class _Overhearing:
    """The real bus, with note taken of the mails that are announced."""

    def __init__(self, bus: Bus, heard: list[MailAccepted]) -> None:
        self._bus = bus
        self._heard = heard

    async def publish(self, events: Sequence[Event]) -> None:
        """Publish, and note."""
        await self._bus.publish(events)
        self._heard += [event for event in events if isinstance(event, MailAccepted)]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


async def _said(port: int, said: bytes) -> list[bytes]:
    """What the door answers to all that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    answers = (await asyncio.wait_for(reader.read(), 10)).splitlines()
    writer.close()
    return answers


async def _through_balancer(port: int, header: bytes) -> list[bytes]:
    """What a client hears behind a load balancer that says `header` first."""
    return await _said(port, header + b"EHLO x\r\n" + MAIL + b"QUIT\r\n")


async def test_a_load_balancer_says_for_whom_it_connects(serving: Any) -> None:
    """The peer is whom the PROXY header names, and limits are for that one; who does not introduce itself is let go."""
    header = b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 25\r\n"
    async with serving(proxy_protocol_from="127.0.0.1", mails_per_minute_per_peer_max=1) as email:
        taken = await _through_balancer(email.port, header)
        too_fast = await _through_balancer(email.port, header)
        other = await _through_balancer(email.port, b"PROXY TCP6 2001:db8::7 ::1 40000 25\r\n")
        silent = await _through_balancer(email.port, b"")
        await eventually(lambda: len(email.events) == 2)

    assert taken[-2].startswith(b"250 2.0.0")
    assert any(answer.startswith(b"450 4.7.1") for answer in too_fast)
    assert other[-2].startswith(b"250 2.0.0")
    assert silent == []


async def test_nobody_else_is_believed_for_whom_they_connect(serving: Any) -> None:
    """A stranger's PROXY header is a command that we do not know."""
    async with serving(trusted_relays="") as email:
        answers = await _through_balancer(email.port, b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 25\r\n")

    assert answers[1].startswith(b"500 ")
