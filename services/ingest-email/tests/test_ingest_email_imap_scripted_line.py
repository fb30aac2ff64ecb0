"""What hostile IMAP servers say, scripted: no real one says such things. Each is a failure with a code."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from contracts.imap import ImapMailbox
from ingest_email.errors import MailTooLarge
from ingest_email.imap.imap_cursor import Window
from ingest_email.imap.imap_dialler import ImapDialler
from ingest_email.imap.imap_failure import ImapFailure
from ingest_email.imap.imap_line import ImapLine, LineLimits
from service_kit.testing.name_service import NameService
from service_kit.testing.scripted_imap import Script, ScriptedImap, folder, said


def mailbox(port: int, **changes: Any) -> ImapMailbox:
    """A mailbox at a scripted server."""
    told = {"host": "mail.test", "port": port, "security": "none", "username": "a b", "password": "p"}
    return ImapMailbox.model_validate({**told, "address": "support@acme.example", **changes})


@asynccontextmanager
async def line_to(server: ScriptedImap, *, seconds: float = 10, **changes: Any) -> AsyncIterator[ImapLine]:
    """A line to a scripted server."""
    limits = LineLimits(command_seconds=seconds, fetch_seconds=seconds, mail_bytes=1000)
    names = NameService(mail=[["127.0.0.1"]] * 2)
    dialler = ImapDialler(limits, allow_private=True, ca_file=None, resolve=names)
    async with server.listening() as port, dialler.line(mailbox(port, **changes)) as (line, _):
        yield line


async def first_mail(server: ScriptedImap, **limits: Any) -> bytes | None:
    """What a reader of a mailbox does."""
    async with line_to(server, **limits) as line:
        await line.examine("INBOX")
        await line.search(Window(1, 2))
        return await line.fetch(1)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ({"GREETING": lambda _: b"220 mail ESMTP\r\n"}, "protocol_error"),
        ({"GREETING": lambda _: b"\x16\x03\x01\x00\xff\r\n"}, "protocol_error"),
        ({"GREETING": lambda _: b"* BYE too busy\r\n"}, "protocol_error"),
        ({"GREETING": lambda _: b"x" * 1_100_000}, "answer_too_large"),
        ({"CAPABILITY": lambda _: b"* CAPABILITY IMAP4rev1 {99999999999}\r\n"}, "answer_too_large"),
        ({"CAPABILITY": lambda _: b"* CAPABILITY IMAP4rev1 {" + b"9" * 5000 + b"}\r\n"}, "protocol_error"),
        ({"LOGIN": lambda _: b"%TAG% NO [AUTHENTICATIONFAILED] no\r\n"}, "login_refused"),
        ({"LOGIN": lambda _: b"%TAG% NO [UNAVAILABLE] later\r\n"}, "cannot_connect"),
        ({"LOGIN": lambda _: b"* BYE\r\n"}, "connection_lost"),
        ({"EXAMINE": lambda _: b"%TAG% NO no such folder\r\n"}, "no_such_folder"),
        ({"EXAMINE": lambda _: said("* 2 EXISTS")}, "protocol_error"),
        ({"EXAMINE": lambda _: folder(uid_next=10**30)}, "protocol_error"),
        ({"SEARCH": lambda _: said("* SEARCH x")}, "protocol_error"),
        ({"SEARCH": lambda _: said(*[f"* OK {'x' * 900}"] * 2000)}, "answer_too_large"),
        ({"FETCH": lambda _: said(f"* 1 FETCH {'(' * 5000}{')' * 5000}")}, "protocol_error"),
        ({"FETCH": lambda _: said("* 1 FETCH (UID 1 BODY[] 5)")}, "protocol_error"),
        ({"FETCH": lambda _: b"* 1 FETCH (UID 1 BODY[] {100}\r\nabc)\r\n%TAG% OK\r\n"}, "timed_out"),
    ],
)
async def test_nonsense_is_a_failure_with_a_code(script: Script, code: str) -> None:
    """Whatever is said, and at whichever command."""
    with pytest.raises(ImapFailure) as failure:
        await first_mail(ScriptedImap(script), seconds=0.5 if code == "timed_out" else 10)

    assert failure.value.code == code


@pytest.mark.parametrize("silent", ["GREETING", "LOGIN", "EXAMINE"])
async def test_silence_is_not_waited_for(silent: str) -> None:
    """Every command has its time, the greeting too."""
    with pytest.raises(ImapFailure, match="timed_out"):
        async with line_to(ScriptedImap({silent: lambda _: b""}), seconds=0.2) as line:
            await line.examine("INBOX")


async def test_a_line_that_drips_does_not_buy_time() -> None:
    """A byte now and then is no answer: the limit is for the whole of it."""
    drops: list[bytes] = []

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            drops.append(b"*")
            writer.write(drops[-1])
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await reader.read(1)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    limits = LineLimits(command_seconds=0.2, fetch_seconds=1, mail_bytes=1000)
    dialler = ImapDialler(limits, allow_private=True, ca_file=None, resolve=NameService(mail=[["127.0.0.1"]]))
    async with server:
        with pytest.raises(ImapFailure, match="timed_out"):
            async with dialler.line(mailbox(server.sockets[0].getsockname()[1])):
                pytest.fail("it never greeted")

    assert len(drops) > 2


async def test_what_follows_starttls_in_plain_text_is_not_believed() -> None:
    """Somebody in between could add it before the encryption begins; nor is a session without it taken."""
    forged = {
        "CAPABILITY": lambda _: said("* CAPABILITY IMAP4rev1 STARTTLS"),
        "STARTTLS": lambda _: said() + b"* CAPABILITY IMAP4rev1 AUTH=FORGED\r\n",
    }
    with pytest.raises(ImapFailure) as injected:
        async with line_to(ScriptedImap(forged), security="starttls"):
            pytest.fail("it was believed")
    with pytest.raises(ImapFailure) as without:
        async with line_to(ScriptedImap({}), security="starttls"):
            pytest.fail("it went on in plain text")

    assert (injected.value.code, without.value.code) == ("protocol_error", "tls_failed")


@pytest.mark.parametrize(
    ("address", "security", "allow_private"),
    [
        ("169.254.169.254", "tls", True),
        ("10.0.0.1", "tls", False),
        ("::ffff:127.0.0.1", "starttls", False),
        ("127.0.0.1", "none", True),
    ],
)
async def test_some_addresses_are_never_called(address: str, security: str, *, allow_private: bool) -> None:
    """Our own network where it is not permitted, and the internet with a password in plain text.

    One forbidden address forbids the name, whatever else it leads to, before anything is connected.
    """
    names = NameService(mail=[["93.184.216.34", address]])
    limits = LineLimits(command_seconds=1, fetch_seconds=1, mail_bytes=1000)
    dialler = ImapDialler(limits, allow_private=allow_private, ca_file=None, resolve=names)
    with pytest.raises(ImapFailure, match="forbidden_address"):
        async with dialler.line(mailbox(143, security=security)):
            pytest.fail("it was called")


async def test_a_mail_larger_than_said_ends_its_line() -> None:
    """The literal is refused by its size, before it is read."""
    with pytest.raises(MailTooLarge):
        await first_mail(ScriptedImap({"FETCH": lambda _: b"* 1 FETCH (UID 1 BODY[] {4000000}\r\n"}))


async def test_only_what_was_asked_for_is_heard() -> None:
    """Sizes and mails of other UIDs, which a server may add at any time, are left out."""
    script = {
        "FETCH": lambda told: (
            said("* 1 FETCH (UID 1 RFC822.SIZE 5)", "* 9 FETCH (UID 9 RFC822.SIZE 5)")
            if "SIZE" in told
            else said("* 2 FETCH (UID 2 FLAGS (\\Seen))")
        )
    }
    server = ScriptedImap(script)
    async with line_to(server) as line:
        await line.examine("INBOX")
        sizes, gone = await line.sizes([1, 2]), await line.fetch(2)

    assert (sizes, gone) == ({1: 5}, None)
    assert [line.partition(" ")[0] for line in server.asked if line.startswith("LOGIN")] == ["LOGIN"]
    assert 'LOGIN "a b" "p"' in server.asked
