"""Whether mail to a support address arrives: a check, what comes of it, and what is learnt of plus-addresses."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import permutations
from typing import Any, Literal

import pytest

from contracts.mail import CheckVariant, MailCheckSeen
from notifier import forwarding_check as rules
from notifier.forwarding_check import ForwardingCheck
from notifier.forwarding_check_mail import tagged
from service_kit.mail_checks import check_of
from service_kit.signing import Signer
from service_kit.testing.eventually import eventually

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)
PATH = "/v1/email/forwarding-checks"
SUPPORT = "support@acme.example"


def check(*, has_tag: bool = True) -> ForwardingCheck:
    """A check that has just begun, its mails with the relay."""
    begun = rules.begun(None, "acc_1", SUPPORT, NOON, has_tag=has_tag)
    for mail in rules.to_send(begun):
        begun = rules.handed_over(begun, mail.variant)
    return rules.after_sending(begun, NOON, TEN_MINUTES)


def test_a_provider_that_drops_plus_addresses_is_found_out() -> None:
    """Plain mail that comes while tagged mail does not says so; whatever the order, and not before the time is over."""
    waiting = rules.arrived(check(), "plain", NOON)
    over = rules.waited(waiting, TEN_MINUTES)
    late = rules.arrived(rules.waited(check(), TEN_MINUTES), "plain", NOON)

    assert (waiting.drops_tags, rules.is_running(waiting)) == (None, True)
    assert (over.drops_tags, over.due) == (True, ())
    assert late.drops_tags is True
    assert over.tagged is not None
    assert over.tagged.reason == "nothing arrived within 600 s"


@pytest.mark.parametrize("order", list(permutations(["plain", "tagged"])))
def test_a_provider_that_keeps_them_is_known_too(order: tuple[CheckVariant, ...]) -> None:
    """Both mails came: nothing more is due, and an earlier finding is corrected."""
    one = check().model_copy(update={"drops_tags": True})
    for variant in order:
        one = rules.arrived(one, variant, NOON)

    assert (one.drops_tags, one.due, rules.is_running(one)) == (False, (), False)


def test_where_nothing_comes_nothing_is_learnt() -> None:
    """Without forwarding at all, nothing is known of plus-addresses; a later mail still counts."""
    over = rules.waited(check(), TEN_MINUTES)
    late = rules.arrived(over, "tagged", NOON + timedelta(hours=1))

    assert (over.drops_tags, over.plain.state) == (None, "missing")
    assert late.drops_tags is False
    assert rules.waited(late, TEN_MINUTES) == late


def test_a_mail_that_is_back_before_its_relay_answered_stays_here() -> None:
    """What we have is not `sent` again by the answer that comes after it."""
    begun = rules.begun(None, "acc_1", SUPPORT, NOON, has_tag=True)
    here = rules.handed_over(rules.arrived(begun, "plain", NOON), "plain")

    assert here.plain.state == "arrived"
    assert rules.returned(here, "plain", "no") == here


def test_a_relay_that_says_later_is_asked_again_until_the_time_is_over() -> None:
    """What the relay did not take is due again; at the end its reason is what is missing."""
    begun = rules.begun(None, "acc_1", SUPPORT, NOON, has_tag=False)
    put_off = rules.after_sending(rules.deferred(begun, "plain", "451 busy"), NOON, TEN_MINUTES)
    last = rules.after_sending(put_off, NOON + TEN_MINUTES, TEN_MINUTES)

    assert {due.kind for due in put_off.due} == {rules.SEND, rules.MISS}
    assert {due.kind for due in last.due} == {rules.MISS}
    assert rules.waited(last, TEN_MINUTES).plain.reason == "451 busy"
    assert rules.begun(last, "acc_1", SUPPORT, NOON, has_tag=False).run == 2


def test_an_address_that_is_too_long_for_a_token_gets_none() -> None:
    """What a mail server would refuse for its length is never sent (RFC 5321)."""
    signer = Signer("k" * 32)
    short, long = (tagged(signer, "acc_1", "fwc_" + "a" * 24, f"{'s' * n}@acme.example") for n in (22, 23))

    assert short is not None
    assert len(short.partition("@")[0]) == 64
    assert long is None


def _read(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def seen(
    check_id: str, variant: CheckVariant, *, outcome: Literal["arrived", "returned"], run: int = 1
) -> MailCheckSeen:
    """What ingest-email says of a check's mail."""
    return MailCheckSeen(
        id=f"evt_{run}_{variant}",
        account_id="acc_1",
        time=NOON,
        check_id=check_id,
        run=run,
        variant=variant,
        outcome=outcome,
        reason="550 5.1.1 no such user" if outcome == "returned" else None,
        delivery_id="dlv_1",
    )


async def test_a_check_sends_two_mails_and_says_what_became_of_each(post_office: Any) -> None:
    """One to the address, one with a token; what arrived, what came back, and then no reply asks for plus-addresses."""
    async with post_office() as office:
        await office.post("before")
        await office.reports("before")
        begun = (await office.http.post(PATH, json={"address": " Support@Acme.example "})).json()
        await eventually(lambda: len(office.relay.taken) == 3)
        mails = [_read(content) for _, content in office.relay.taken[1:]]
        again = await office.http.post(PATH, json={"address": SUPPORT})
        old = seen(begun["id"], "plain", outcome="arrived", run=7)
        returned = seen(begun["id"], "tagged", outcome="returned")
        await office.bus.publish([old, seen(begun["id"], "plain", outcome="arrived"), returned])

        async def is_over() -> bool:
            return bool((await office.http.get(f"{PATH}/{begun['id']}")).json()["drops_plus_addresses"])

        await eventually(is_over)
        shown = (await office.http.get(PATH)).json()["items"]
        await office.post("after")
        await office.reports("after")
        second = await office.http.post(PATH, json={"address": SUPPORT})
    before, after = (_read(office.relay.taken[place][1]) for place in (0, 3))
    named = [check_of(office.platform.signer, "acc_1", str(mail["Message-ID"]).strip().strip("<>")) for mail in mails]

    assert (begun["state"], again.status_code, again.json()["code"]) == ("queued", 409, "forwarding_check_running")
    assert [(one.check_id, one.run, one.variant) for one in named if one] == [
        (begun["id"], 1, "plain"),
        (begun["id"], 1, "tagged"),
    ]
    assert [mail["To"].addresses[0].addr_spec.partition("+")[0].partition("@")[0] for mail in mails] == ["support"] * 2
    assert "+" in mails[1]["To"]
    assert all(mail["Auto-Submitted"] == "auto-generated" and mail["Date"] for mail in mails)
    assert [(one["state"], one["plus_address"]["state"], one["plus_address"]["reason"]) for one in shown] == [
        ("arrived", "missing", "550 5.1.1 no such user")
    ]
    assert before["Reply-To"] == "support+tag@acme.example"
    assert "Reply-To" not in after
    assert second.status_code == 201


async def test_a_check_ends_by_itself(post_office: Any) -> None:
    """What a relay refuses is missing at once, and what never comes after the time that it may take."""
    async with post_office(forwarding_check_seconds=60) as office:
        office.relay.answers[SUPPORT] = ["550 5.7.1 not from you"]
        begun = (await office.http.post(PATH, json={"address": SUPPORT})).json()

        async def states() -> tuple[str, str] | None:
            shown = (await office.http.get(f"{PATH}/{begun['id']}")).json()
            found = (shown["state"], shown["plus_address"]["state"])
            return found if "queued" not in found else None

        sent = await eventually(states)
        office.clock.advance(timedelta(seconds=61))

        async def is_over() -> bool:
            return await states() == ("missing", "missing")

        await eventually(is_over)
        shown = (await office.http.get(f"{PATH}/{begun['id']}")).json()

    assert sent == ("missing", "sent")
    assert shown["reason"] == "550 5.7.1 not from you"
    assert shown["plus_address"]["reason"] == "nothing arrived within 60 s"
    assert shown["drops_plus_addresses"] is None


async def test_only_ones_own_addresses_are_checked(post_office: Any) -> None:
    """An address that is not the account's gets no mail from us; a check that is not there is not found (S4)."""
    async with post_office() as office:
        foreign = await office.http.post(PATH, json={"address": "victim@elsewhere.example"})
        unknown = await office.http.get(f"{PATH}/fwc_{'0' * 24}")

    assert (foreign.status_code, foreign.json()["code"]) == (422, "not_a_support_address")
    assert unknown.status_code == 404
    assert office.relay.taken == []
