"""Access tokens at a real Dovecot, which asks a (simulated) token server whose they are (X1)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.inbound import InboundMessageReceived
from engines import wanting
from engines.dovecot import USER, DovecotEngine, find_dovecot
from engines.simulated_token_server import SimulatedTokenServer
from service_kit.testing.eventually import eventually

pytestmark = pytest.mark.engines

MAIL = b"From: jane@customer.example\nSubject: %s\nMessage-ID: <%s@customer.example>\n\nHello\n"


@pytest.fixture
def tokens() -> Iterator[SimulatedTokenServer]:
    """A token server whose refresh tokens are good for once."""
    with SimulatedTokenServer(USER, rotates=True) as server:
        yield server


@pytest.fixture
def dovecot(local_engines: None, tokens: SimulatedTokenServer) -> Iterator[DovecotEngine]:
    """A mailbox that access tokens of the token server open."""
    binary = find_dovecot()
    if binary is None:
        pytest.skip(wanting.reason(wanting.DOVECOT))
    with DovecotEngine(binary, password="nobody knows", info_url=tokens.info_url) as engine:
        yield engine


async def test_mail_comes_by_access_tokens(serving: Any, dovecot: DovecotEngine, tokens: SimulatedTokenServer) -> None:
    """Mail is read, and after all tokens were revoked and the line has ended, read on by the next one."""
    mailbox = {"host": "localhost", "port": dovecot.port, "security": "starttls", "username": USER}
    wanted = {**mailbox, "address": "support@acme.example", "start_from": "all", "auth": tokens.auth()}
    async with serving(imap_ca_file=dovecot.ca_file) as email:
        dovecot.deliver(MAIL % (b"first", b"1"))
        await email.book.area.patch("acc_1", {"imap": {"main": wanted}})
        await eventually(lambda: email.events, seconds=20)
        tokens.revoke()
        await asyncio.to_thread(dovecot.kill)
        await asyncio.to_thread(dovecot.start)
        dovecot.deliver(MAIL % (b"second", b"2"))
        await eventually(lambda: len(email.events) == 2, seconds=30)
        watched = (await email.book.mailboxes.of_account("acc_1"))["main"]

    assert [event.subject for event in email.events if isinstance(event, InboundMessageReceived)] == ["first", "second"]
    assert [form["refresh_token"] for form in tokens.forms] == ["refresh-0", "refresh-1"]
    assert watched.grant is not None


async def test_a_user_that_dovecot_does_not_let_in_is_a_refused_login(
    serving: Any, dovecot: DovecotEngine, tokens: SimulatedTokenServer
) -> None:
    """A token of somebody else opens nothing, and Dovecot's refusal is understood as what it is."""
    mailbox = {"host": "localhost", "port": dovecot.port, "security": "none", "username": "somebody"}
    wanted = {**mailbox, "address": "support@acme.example", "auth": tokens.auth()}
    async with serving() as email:
        await email.book.area.patch("acc_1", {"imap": {"main": wanted}})

        async def refusal() -> str | None:
            known = (await email.book.mailboxes.of_account("acc_1")).get("main")
            return known.last_error if known else None

        code = await eventually(refusal, seconds=20)

    assert code == "login_refused"
    assert len(tokens.forms) == 1
