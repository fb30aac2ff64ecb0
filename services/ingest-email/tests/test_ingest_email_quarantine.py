"""Quarantined mail that is delivered once more (I2, I6)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.inbound import InboundMessageReceived
from contracts.mail import MailAccepted
from ingest_email.quarantine.quarantine import Quarantine
from ingest_email.quarantine.quarantine_shelf import MailShelf
from service_kit.blobs import Blobs
from service_kit.platform import Platform
from service_kit.quarantine import QuarantineQuery, ReplayRefusedError
from service_kit.testing.eventually import eventually

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
READABLE = b"From: jane@customer.example\r\nSubject: Hi\r\nMessage-ID: <1@customer.example>\r\n\r\nHi\r\n"


def accepted(name: str, **changes: Any) -> MailAccepted:
    """A delivery whose bytes are stored under its name."""
    given = {
        "id": f"dlv_{name}",
        "account_id": "acc_1",
        "time": NOON,
        "recipient": "support@acme.example",
        "envelope_sender": "",
        "envelope_sender_key": "<>",
        "via": "smtp",
        "peer": "192.0.2.1",
        "raw_blob_key": f"acc_1/mail/{name}",
        "size": 10,
        "received_at": NOON,
    }
    return MailAccepted.model_validate({**given, **changes})


async def test_a_replayed_mail_is_read_again(serving: Any) -> None:
    """What the parser of today can read goes on as a message of when it came, the same one each time (I4, I6)."""
    async with serving() as email:
        quarantine = Quarantine(email.platform.store, per_source_max=1)
        shelf = MailShelf(email.platform, quarantine)
        await email.platform.blobs.put("acc_1/mail/1", READABLE)
        await quarantine.keep(accepted("1"), mailbox="support@acme.example", reason="no_sender")
        for _ in range(2):
            await shelf.replay("dlv_1", trusted=False)
        first, second = await eventually(lambda: email.events if len(email.events) == 2 else [])
        kept = await shelf.find("dlv_1")
        has_room = await quarantine.keep(accepted("2"), mailbox="support@acme.example", reason="no_sender")

    assert isinstance(first, InboundMessageReceived)
    assert (first.contact_key, first.text.strip(), first.received_at) == ("jane@customer.example", "Hi", NOON)
    assert first.message_id == second.message_id
    assert len({"dlv_1", first.id, second.id}) == 3
    assert kept is not None
    assert (kept.replays, kept.is_waiting) == (2, False)
    assert has_room


async def test_a_mail_that_comes_back_waits_again(serving: Any, mail: Callable[[str], bytes]) -> None:
    """A replay that nobody could be answered for ends in the same entry, with a verdict of its own (I2, I6)."""
    async with serving(quarantine_per_source_max=1) as email:
        await email.send(mail("senderless"), sender="")
        [verdict] = await eventually(lambda: email.events)
        shelf = MailShelf(email.platform, Quarantine(email.platform.store, per_source_max=1))
        await shelf.replay(verdict.delivery_id, trusted=False)
        [again] = await eventually(lambda: email.events[1:])
        items, _ = await shelf.page(QuarantineQuery(datetime.now(UTC)), limit=10, cursor=None)
        raw = await shelf.raw(verdict.delivery_id)

    assert (again.verdict, again.reason) == ("quarantined", "no_sender")
    assert again.delivery_id != verdict.delivery_id
    assert [(kept.id, kept.replays, kept.is_waiting) for kept in items] == [(verdict.delivery_id, 1, True)]
    assert raw == mail("senderless")


async def test_a_copy_over_the_share_keeps_the_bytes_of_the_first(serving: Any, mail: Callable[[str], bytes]) -> None:
    """The same forgery again uses no room of its source's share, and never takes the kept bytes away (I6)."""
    async with serving(quarantine_per_source_max=1) as email:
        for _ in range(2):
            await email.send(mail("senderless"), sender="")
        verdicts = await eventually(lambda: email.events if len(email.events) == 2 else [])
        raw = await MailShelf(email.platform, Quarantine(email.platform.store, per_source_max=1)).raw(
            verdicts[0].delivery_id
        )

    assert [verdict.reason for verdict in verdicts] == ["no_sender", "no_sender"]
    assert raw == mail("senderless")


async def test_a_mail_without_bytes_is_not_replayed(serving: Any) -> None:
    """Where the bytes were forgotten meanwhile, a sentence says so and nothing is announced (S3)."""
    async with serving() as email:
        quarantine = Quarantine(email.platform.store, per_source_max=1)
        shelf = MailShelf(email.platform, quarantine)
        await quarantine.keep(accepted("1"), mailbox="support@acme.example", reason="no_sender")
        with pytest.raises(ReplayRefusedError, match="are gone"):
            await shelf.replay("dlv_1", trusted=False)
        with pytest.raises(ReplayRefusedError, match="nothing is set aside"):
            await shelf.replay("dlv_2", trusted=False)
        kept = await shelf.find("dlv_1")

    assert kept is not None
    assert (kept.replays, kept.is_waiting) == (0, True)


async def test_dropped_bytes_are_nobody_elses(serving: Any, mail: Callable[[str], bytes]) -> None:
    """What is dropped because its source sent too much takes nothing from a message that has the same bytes (I6)."""
    senderless = mail("senderless")
    async with serving(quarantine_per_source_max=1) as email:
        await email.send(senderless, sender="jane@customer.example")
        await email.send(senderless.replace(b"Who am I?", b"And I?"), sender="")
        await eventually(lambda: len(email.events) == 2)
        await email.send(senderless, sender="")
        message, _, dropped = await eventually(lambda: email.events if len(email.events) == 3 else [])
        raw = await email.platform.blobs.get(message.raw_blob_key)

    assert message.contact_key == "jane@customer.example"
    assert dropped.reason == "no_sender_over_quota"
    assert raw.endswith(b"Who am I?\r\n")


class Unreadable:
    """Blobs whose mails have too much of a header block, until that is mended."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.is_mended = False

    async def get(self, key: str) -> bytes:
        """What is stored, and before it is mended more."""
        raw = await self._blobs.get(key)
        filler = b"\r\nX-Filler: " + b"x" * 70_000 + b"\r\n\r\n"
        return raw if self.is_mended or "/mail/" not in key else raw.replace(b"\r\n\r\n", filler, 1)

    async def put(self, key: str, data: bytes) -> None:
        """As it is."""
        await self._blobs.put(key, data)

    async def delete(self, key: str) -> None:
        """As it is."""
        await self._blobs.delete(key)


async def test_a_mail_that_was_not_understood_is_read_once_more(serving: Any) -> None:
    """Its message is opened at once and its bytes are kept; replayed, it is the same message, whole (I4, I6)."""
    unreadable: list[Unreadable] = []

    def change(platform: Platform) -> Platform:
        unreadable.append(Unreadable(platform.blobs))
        return replace(platform, blobs=unreadable[0])

    async with serving(change=change) as email:
        await email.send(READABLE)
        [first] = await eventually(lambda: email.events)
        shelf = MailShelf(email.platform, Quarantine(email.platform.store, per_source_max=9))
        query = QuarantineQuery(datetime.now(UTC) + timedelta(minutes=1))
        [kept], _ = await shelf.page(query, limit=10, cursor=None)
        await shelf.replay(kept.id, trusted=False)
        still = await eventually(lambda: email.events[1] if len(email.events) == 2 else None)
        [waiting], _ = await shelf.page(query, limit=10, cursor=None)
        unreadable[0].is_mended = True
        await shelf.replay(kept.id, trusted=False)
        whole = await eventually(lambda: email.events[2] if len(email.events) == 3 else None)
        left, _ = await shelf.page(query, limit=10, cursor=None)

    assert (first.parse_error, first.text, kept.reason) == ("header_block_over_limit", "", "header_block_over_limit")
    assert (still.parse_error, waiting.id, waiting.replays) == ("header_block_over_limit", kept.id, 1)
    assert (whole.parse_error, whole.text.strip()) == (None, "Hi")
    assert {first.message_id, still.message_id, whole.message_id} == {first.message_id}
    assert left == []
