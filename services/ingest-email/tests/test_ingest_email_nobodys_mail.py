"""Mail without author, reverse-path and Message-ID, of equal bytes, in several deliveries at once (I2, I6, X4)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from contracts.intake import IntakeVerdictRecorded
from contracts.mail import MailAccepted
from ingest_email.address_book import AddressBook
from ingest_email.identity import message_id
from ingest_email.metrics import MailMetrics
from ingest_email.parsing.headers import read_head
from ingest_email.parsing.model import MailBody, ParsedMail
from ingest_email.quarantine.quarantine import QUARANTINE, Quarantine
from ingest_email.workflow import MailWorkflow
from service_kit.docstore import Eq
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOBODYS = b"Subject: Undelivered\r\n\r\nWho am I?\r\n"


def accepted(name: str, bytes_named: str, *, peer: str) -> MailAccepted:
    """A delivery of nobody's mail."""
    return MailAccepted(
        id=f"dlv_{name}",
        account_id="acc_1",
        time=NOON,
        recipient="support+tag@acme.example",
        envelope_sender="",
        envelope_sender_key="<>",
        via="smtp",
        peer=peer,
        raw_blob_key=f"acc_1/mail/{bytes_named}",
        size=len(NOBODYS),
        received_at=NOON,
    )


def reasons(email: Any) -> list[str | None]:
    """Why each delivery ended, in order."""
    return [event.reason for event in email.events if isinstance(event, IntakeVerdictRecorded)]


async def kept(email: Any) -> list[Any]:
    """What is in quarantine."""
    return list((await email.platform.store.collection(QUARANTINE).find(Eq("account_id", "acc_1"))).items)


async def test_equal_bytes_at_once_are_one_entry_and_a_verdict_each(serving: Any) -> None:
    """A mail without any name twice is one mail: kept once, told of each delivery, by the same identity (X4, I2)."""
    async with serving() as email:
        for _ in range(3):
            await email.send(NOBODYS, sender="")
        await eventually(lambda: len(email.events) == 3)
        [entry] = await kept(email)
        raw = await email.platform.blobs.get(entry.blob_key)

    assert reasons(email) == ["no_sender"] * 3
    assert len({event.delivery_id for event in email.events}) == 3
    assert len({event.provider_message_id for event in email.events}) == 1
    assert raw == NOBODYS


async def test_equal_bytes_over_quota_end_in_a_verdict_each(serving: Any, mail: Callable[[str], bytes]) -> None:
    """Over the source's share both are dropped; neither becomes a dead letter because of the other (I2, I6)."""
    async with serving(quarantine_per_source_max=1) as email:
        await email.send(mail("senderless"), sender="")
        for number in range(3):
            await email.send(NOBODYS, sender="")
            await eventually(lambda count=number + 2: len(email.events) == count)
        await email.send(NOBODYS, sender="")
        await email.send(NOBODYS, sender="")
        await eventually(lambda: len(email.events) == 6)

    assert reasons(email)[0] == "no_sender"
    assert set(reasons(email)[1:]) <= {"no_sender_over_quota", "raw_mail_gone"}


async def test_a_delivery_whose_bytes_went_with_another_has_its_verdict(serving: Any) -> None:
    """It was acknowledged, so it is in the ledger: once, under a name made of its bytes (I2)."""
    late = accepted("late", "dropped", peer="192.0.2.1")
    async with serving() as email:
        await email.platform.bus.publish([late, late])
        first, again = await eventually(lambda: email.events if len(email.events) == 2 else [])

    assert (first.verdict, first.reason, first.provider_message_id) == ("quarantined", "raw_mail_gone", "dropped")
    assert (first.delivery_id, first.mailbox) == ("dlv_late", "support@acme.example")
    assert first.id == again.id


class HeadersOnly:
    """Reads the header block, as the parsers' processes do first; these mails have nothing else of interest."""

    size = 1

    async def parse(self, raw: bytes, *, envelope_sender: str) -> ParsedMail:
        """What the header block says."""
        return ParsedMail(read_head(raw, envelope_sender=envelope_sender), MailBody())


async def test_bytes_that_another_machine_sent_as_well_stay(make_platform: PlatformFactory) -> None:
    """One machine's share is used up and another's is not: what is kept of the one is not dropped with the other's."""
    platform = make_platform("ingest-email")
    quarantine = Quarantine(platform.store, per_source_max=1)
    workflow = MailWorkflow(
        platform,
        addresses=AddressBook(platform),
        pool=HeadersOnly(),  # type: ignore[arg-type]
        quarantine=quarantine,
        metrics=MailMetrics(platform.metrics),
    )
    await platform.store.start()
    await platform.bus.start()
    for name, content in (("full", NOBODYS.replace(b"Who", b"How")), ("shared", NOBODYS)):
        await platform.blobs.put(f"acc_1/mail/{name}", content)
    await workflow.take([accepted("1", "full", peer="192.0.2.1")])
    await workflow.take([accepted("2", "shared", peer="192.0.2.1"), accepted("3", "shared", peer="192.0.2.9")])
    mails = await quarantine.of_account("acc_1")
    raw = await platform.blobs.get("acc_1/mail/shared")
    await platform.bus.stop()
    await platform.store.stop()

    assert {mail.id for mail in mails} == {"dlv_1", "dlv_3"}
    assert raw == NOBODYS


def test_who_handed_it_over_is_the_author_where_nobody_else_is_named() -> None:
    """Equal bytes of two machines that write no From are two messages; of one machine they are one (X4)."""
    identities = [
        message_id("acc_1", read_head(NOBODYS, envelope_sender=sender))
        for sender in ("scan@a.example", "Scan@A.example", "scan@b.example", "")
    ]

    assert identities[0] == identities[1]
    assert len(set(identities)) == 3
