"""A real OpenSMTPD in front of the SMTP door, set up as the README says: what it takes reaches us (I3, X0)."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from engines import wanting
from engines.opensmtpd import OpenSmtpdEngine, find_opensmtpd
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]

README = Path(__file__).parents[1] / "README.md"
PLAIN = b"From: jane@customer.example\r\nSubject: Hi\r\nMessage-ID: <%d@customer.example>\r\n\r\nHello\r\n"

Serving = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
def opensmtpd(local_engines: None, free_port: int) -> Iterator[OpenSmtpdEngine]:
    """OpenSMTPD with the lines of the README, in front of the door's port."""
    program = find_opensmtpd()
    if program is None:
        pytest.skip(wanting.reason(wanting.OPENSMTPD))
    found = re.search(r"```\n(action desk .*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    with OpenSmtpdEngine(program, found[1].replace("127.0.0.1:2525", f"127.0.0.1:{free_port}")) as engine:
        yield engine


async def _hand_over(port: int, number: int, to: str = "support@acme.example") -> int:
    """Give OpenSMTPD a mail; the code of its answer."""
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=60) as client:
        await client.ehlo()
        await client.mail("jane@customer.example")
        await client.rcpt(to)
        return (await client.data(PLAIN % number)).code


async def test_what_opensmtpd_takes_arrives_and_it_takes_no_more(serving: Serving, opensmtpd: OpenSmtpdEngine) -> None:
    """Mail to a support address, with or without a tag, arrives once; for others there is no mail to bounce."""
    async with serving() as email:
        codes = [await _hand_over(opensmtpd.port, 1), await _hand_over(opensmtpd.port, 2, "support+tic@acme.example")]
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await _hand_over(opensmtpd.port, 3, to="nobody@acme.example")
        await eventually(lambda: len(email.events) == 2, seconds=30)
        await eventually(lambda: opensmtpd.waiting() == 0, seconds=30)

    assert codes == [250, 250]
    assert refused.value.code == 550
    assert {(event.text, event.recipient, event.contact_key) for event in email.events} == {
        ("Hello", "support@acme.example", "jane@customer.example")
    }


async def test_our_451_makes_opensmtpd_keep_the_mail_and_come_again(
    serving: Serving, opensmtpd: OpenSmtpdEngine, bus_switch: Any
) -> None:
    """While the bus does not confirm, mails wait in its queue, even over its death; then each arrives (I3)."""

    def refusals() -> bool:
        seen = email.platform.metrics.get_sample_value("ingest_email_deliveries_total", {"outcome": "unavailable"})
        return seen is not None and seen >= 2

    async with serving(change=bus_switch) as email:
        bus_switch.is_down = True
        codes = [await _hand_over(opensmtpd.port, number) for number in range(2)]
        await eventually(refusals, seconds=30)
        await asyncio.to_thread(opensmtpd.kill)
        waiting, heard = opensmtpd.waiting(), list(email.events)
        bus_switch.is_down = False
        await asyncio.to_thread(opensmtpd.start)

        async def have_come() -> bool:
            await asyncio.to_thread(opensmtpd.hurry)
            return len({event.message_id for event in email.events}) == 2

        await eventually(have_come, seconds=60)
        await eventually(lambda: opensmtpd.waiting() == 0, seconds=30)

    assert codes == [250, 250]
    assert (waiting, heard) == (2, [])
    assert len(email.events) == 2
