"""Mails that come back: what is for good, whom that concerns, and what becomes of later mail to them (X7)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.deliveries import DeliveryUpdated
from contracts.ids import derive_id
from contracts.mail import MailBounced
from notifier.bounce import is_for_good
from service_kit.testing.eventually import eventually

ACCOUNT = "acc_1"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ZOE = "zoe@customer.example"


def bounce(
    name: str = "a",
    *,
    recipient: str = ZOE,
    status: str | None = "5.1.1",
    diagnostic: str | None = "550 5.1.1 no such user",
    account_id: str = ACCOUNT,
) -> MailBounced:
    """What a mail server says about the reply of that name."""
    return MailBounced(
        id=derive_id("evt", account_id, name, recipient, str(status)),
        account_id=account_id,
        time=NOON,
        message_id=f"msg_{name}",
        ticket_id="tic_1",
        recipient=recipient,
        status=status,
        diagnostic=diagnostic,
        report_delivery_id="dlv_1",
    )


@pytest.mark.parametrize(
    ("status", "diagnostic", "expected"),
    [
        ("5.1.1", None, True),
        ("5.1.10", "556 5.1.10 domain takes no mail", True),
        ("5.0.0", "550 5.1.1 unknown user", True),
        ("5.2.1", "mailbox disabled", True),
        ("5.2.2", "552 5.2.2 mailbox full", False),
        ("5.7.1", "550 5.7.1 message refused by policy", False),
        ("4.4.7", "message expired", False),
        (None, "no such user", False),
        (None, None, False),
    ],
)
def test_only_an_address_that_is_no_more_is_suppressed(
    status: str | None, diagnostic: str | None, *, expected: bool
) -> None:
    """Full mailboxes, policies and delays may be over tomorrow."""
    assert is_for_good(bounce(status=status, diagnostic=diagnostic)) is expected


async def reply(office: Any, name: str, **more: Any) -> DeliveryUpdated:
    """Send a reply; what became of it."""
    await office.post(name, **more)
    first: DeliveryUpdated = (await office.reports(name))[0]
    return first


async def test_a_bounced_reply_has_failed_and_says_why(post_office: Any) -> None:
    """The delivery that was sent fails with the other server's words, once, however often the report comes."""
    async with post_office() as office:
        sent = await reply(office, "a")
        await office.bus.publish([bounce(), bounce()])
        failed = (await office.reports("a", 2))[1]
        await reply(office, "b", to="other@customer.example")
        listed = (await office.http.get("/v1/deliveries", params={"state": "failed"})).json()["items"]

    assert (sent.state, failed.state) == ("sent", "failed")
    assert failed.reason == "bounced: 550 5.1.1 no such user"
    assert [one["message_id"] for one in listed] == ["msg_a"]
    assert len(await office.reports("a", 2)) == 2


async def test_a_later_reply_to_a_suppressed_address_fails_until_that_is_lifted(post_office: Any) -> None:
    """Nothing is sent to an address that is no more; the reason says how to let mail through again."""
    async with post_office() as office:
        await reply(office, "a")
        await office.bus.publish([bounce(recipient=ZOE.upper())])
        await office.reports("a", 2)
        refused = await reply(office, "b")
        listed = (await office.http.get("/v1/suppressions")).json()["items"]
        lifted = await office.http.delete(f"/v1/suppressions/{ZOE}")
        again = await office.http.delete(f"/v1/suppressions/{ZOE}")
        taken = await reply(office, "c")

    assert refused.state == "failed"
    assert refused.reason is not None
    assert "550 5.1.1 no such user" in refused.reason
    assert f"DELETE /v1/suppressions/{ZOE}" in refused.reason
    assert [(one["address"], one["message_id"]) for one in listed] == [(ZOE, "msg_a")]
    assert (lifted.status_code, again.status_code) == (204, 404)
    assert taken.state == "sent"
    assert office.relay.envelopes() == [[ZOE], [ZOE]]


async def test_a_bounce_that_is_not_for_good_suppresses_nobody(post_office: Any) -> None:
    """A full mailbox fails this mail, and the next one is tried."""
    async with post_office() as office:
        await reply(office, "a")
        await office.bus.publish([bounce(status="5.2.2", diagnostic="552 5.2.2 mailbox full")])
        await office.reports("a", 2)
        next_one = await reply(office, "b")
        listed = await office.suppressed()

    assert next_one.state == "sent"
    assert listed == {}


async def test_a_bounce_of_somebody_in_copy_fails_nothing(post_office: Any) -> None:
    """The customer has the mail; who was in copy and is no more is told of, and left out from then on."""
    async with post_office() as office:
        await reply(office, "a", cc=("bob@customer.example",))
        await office.bus.publish([bounce(recipient="bob@customer.example")])
        await eventually(office.suppressed)
        told = await office.reports("a", 2)
        second = await reply(office, "b", cc=("bob@customer.example", "eve@customer.example"))

    assert second.state == "sent"
    assert [(event.state, event.reason) for event in told] == [
        ("sent", None),
        ("sent", "not in copy: bob@customer.example: bounced: 550 5.1.1 no such user"),
    ]
    assert office.relay.envelopes() == [[ZOE, "bob@customer.example"], [ZOE, "eve@customer.example"]]


async def test_a_bounce_of_what_was_never_sent_changes_nothing(post_office: Any) -> None:
    """Reports that name another recipient, account or message suppress nobody (S4)."""
    async with post_office() as office:
        await reply(office, "a")
        await office.bus.publish(
            [
                bounce(recipient="victim@customer.example"),
                bounce(account_id="acc_2"),
                bounce("never"),
                bounce(status="5.2.2", diagnostic=None),
            ]
        )
        await office.reports("a", 2)
        listed = await office.suppressed()

    assert listed == {}
