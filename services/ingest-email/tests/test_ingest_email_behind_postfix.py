"""A real Postfix in front of the SMTP door, set up as the README says: what it takes reaches us, whatever we answer."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from engines import wanting
from engines.postfix import PostfixEngine, has_postfix
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

README = Path(__file__).parents[1] / "README.md"
PLAIN = b"From: jane@customer.example\r\nSubject: Hi\r\nMessage-ID: <%d@customer.example>\r\n\r\nHello\r\n"

Serving = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
def postfix(local_engines: None, free_port: int) -> Iterator[PostfixEngine]:
    """Postfix with the lines of the README, in front of the door's port."""
    if not has_postfix():
        pytest.skip(wanting.reason(wanting.POSTFIX))
    found = re.search(r"```\n(relay_domains = .*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    lines = found[1].replace("127.0.0.1]:2525", f"127.0.0.1]:{free_port}")
    # Only an encrypted connection will do, to see that it is one.
    with PostfixEngine(lines.replace("security_level = may", "security_level = encrypt")) as engine:
        yield engine


@pytest.fixture
def tls(write_certificate: Callable[[str], tuple[Path, Path]]) -> dict[str, Path]:
    """Settings of the door with a certificate."""
    certificate, key = write_certificate("desk.acme.example")
    return {"tls_certificate": certificate, "tls_key": key}


async def _hand_over(port: int, number: int, to: str = "support@acme.example") -> int:
    """Give Postfix a mail; the code of its answer."""
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=60) as client:
        await client.ehlo()
        await client.mail("jane@customer.example")
        await client.rcpt(to)
        return (await client.data(PLAIN % number)).code


async def test_what_postfix_takes_arrives_and_what_we_do_not_know_it_refuses(
    serving: Serving, postfix: PostfixEngine, tls: dict[str, Path]
) -> None:
    """Mail to a support address arrives once; Postfix asks us about others, and need not bounce to forged senders."""
    async with serving(**tls) as email:
        code = await _hand_over(postfix.port, 1)
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await _hand_over(postfix.port, 2, to="nobody@acme.example")
        [event] = await eventually(lambda: email.events, seconds=30)
        await eventually(lambda: postfix.waiting() == 0, seconds=30)

    assert code == 250
    assert refused.value.code == 550
    assert (event.text, event.recipient, event.contact_key) == (
        "Hello",
        "support@acme.example",
        "jane@customer.example",
    )


async def test_our_451_makes_postfix_keep_the_mail_and_come_again(
    serving: Serving, postfix: PostfixEngine, bus_switch: Any, tls: dict[str, Path]
) -> None:
    """While the bus does not confirm, mails wait in Postfix's queue; then each arrives, and none is lost (I3)."""
    async with serving(change=bus_switch, **tls) as email:
        bus_switch.is_down = True
        codes = [await _hand_over(postfix.port, number) for number in range(3)]
        refused = await eventually(lambda: _refusals(email), seconds=30)
        waiting, heard = postfix.waiting(), list(email.events)
        bus_switch.is_down = False
        await eventually(lambda: len({event.message_id for event in email.events}) == 3, seconds=60)
        await eventually(lambda: postfix.waiting() == 0, seconds=30)

    assert codes == [250, 250, 250]
    assert refused
    assert (waiting, heard) == (3, [])
    assert len(email.events) == 3


def _refusals(email: Any) -> bool:
    """Whether each of three mails was answered 451 at least once."""
    seen = email.platform.metrics.get_sample_value("ingest_email_deliveries_total", {"outcome": "unavailable"})
    return seen is not None and seen >= 3


async def test_mail_that_came_while_the_door_was_closed_arrives_when_it_opens(
    serving: Serving, postfix: PostfixEngine, tls: dict[str, Path]
) -> None:
    """Postfix keeps what it takes for an address that it knows, and hands it over once it can (I3)."""
    async with serving(**tls) as email:
        first = await _hand_over(postfix.port, 1)
        await eventually(lambda: email.events, seconds=30)
        await eventually(lambda: postfix.waiting() == 0, seconds=30)
    second = await _hand_over(postfix.port, 2)
    await eventually(lambda: postfix.waiting() == 1, seconds=30)
    async with serving(**tls) as email:
        await eventually(lambda: email.events, seconds=60)
        await eventually(lambda: postfix.waiting() == 0, seconds=30)

    assert (first, second) == (250, 250)
    assert [event.provider_message_id for event in email.events] == ["2@customer.example"]
