"""A relay that takes a mail for some recipients and not for others: each is told, and nobody gets it twice (X8, X7)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from contracts.settings import SettingsChanged
from notifier.bounce import is_refused_for_good
from notifier.errors import Deferred
from notifier.forwarding_checks import ForwardingChecks
from notifier.mail_channel import MailChannel
from notifier.model import Delivery, Suppression
from notifier.relay_answer import Handed, RelayAnswer
from notifier.suppression_store import SuppressionStore
from notifier.unsubscribe import UnsubscribeLinks
from service_kit.errors import TransientError
from service_kit.settings_copies import SettingsCopies
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

ZOE, BOB, EVE = "zoe@customer.example", "bob@customer.example", "eve@customer.example"
GONE = "550 5.1.1 no such user"
LATER = "451 4.7.1 greylisted"


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (550, "5.1.1 no such user", True),
        (550, "5.1.10 RESOLVER.ADR.RecipientNotFound", True),
        (550, "5.2.1 mailbox disabled", True),
        (550, "5.1.1 first line\n5.1.1 second line", True),
        (550, "5.7.1 refused by policy; unlike 5.1.1", False),
        (552, "5.2.2 mailbox full", False),
        (550, "no such user", False),
        (450, "5.1.1 says one thing and means another", False),
        (550, "5.1.8 bad sender's address", False),
    ],
)
def test_only_a_code_that_speaks_of_the_address_ends_mail_to_it(code: int, text: str, *, expected: bool) -> None:
    """Policies, full mailboxes and words without a code may be over tomorrow."""
    assert is_refused_for_good(RelayAnswer(code, text)) is expected


async def test_a_refused_address_is_suppressed_as_a_bounced_one_is(post_office: Any) -> None:
    """After 550 5.1.1 at RCPT the next mail to that address is not tried, and its reason says why (X7)."""
    async with post_office() as office:
        office.relay.answers[ZOE] = [GONE]
        await office.post("a")
        (first,) = await office.reports("a")
        await office.post("b")
        (second,) = await office.reports("b")
        suppressed = await office.suppressed()

    assert (first.state, first.reason) == ("failed", GONE)
    assert suppressed == {ZOE: f"refused: {GONE}"}
    assert second.state == "failed"
    assert f"refused: {GONE}" in (second.reason or "")
    assert office.relay.taken == []


@pytest.mark.parametrize(
    ("answer", "suppressed"), [("550 5.1.1 RESOLVER.ADR.RecipNotFound", [ZOE]), ("554 5.7.1 looks like spam", [])]
)
async def test_a_refusal_at_the_end_of_data_is_about_its_only_recipient(
    post_office: Any, answer: str, suppressed: list[str]
) -> None:
    """Some servers know no sooner; what is said of the message itself suppresses nobody."""
    async with post_office() as office:
        office.relay.answers["DATA"] = [answer]
        await office.post("a")
        (report,) = await office.reports("a")
        found = await office.suppressed()

    assert (report.state, report.reason) == ("failed", answer)
    assert list(found) == suppressed


async def test_a_refusal_at_the_end_of_data_of_a_mail_to_several_is_about_nobody(post_office: Any) -> None:
    """Whom of several it means cannot be known: the mail has failed for all, and nobody is suppressed."""
    async with post_office() as office:
        office.relay.answers["DATA"] = [GONE]
        await office.post("a", cc=(BOB,))
        (report,) = await office.reports("a")
        shown = await office.delivery("a")
        suppressed = await office.suppressed()

    assert (report.state, report.reason) == ("failed", GONE)
    assert shown["copies"] == [{"address": BOB, "state": "failed", "reason": GONE}]
    assert suppressed == {}


async def test_somebody_in_copy_who_is_refused_fails_nothing_for_the_customer(post_office: Any) -> None:
    """The customer has the mail once; who in copy has not is said with the reason, and left out from then on."""
    async with post_office() as office:
        office.relay.answers[BOB] = [GONE]
        await office.post("a", cc=(BOB, EVE))
        (report,) = await office.reports("a")
        shown = await office.delivery("a")
        await office.post("b", cc=(BOB, EVE))
        await office.reports("b")
        later = await office.delivery("b")

    assert (report.state, report.reason) == ("sent", f"not in copy: {BOB}: {GONE}")
    assert {one["address"]: (one["state"], one["reason"]) for one in shown["copies"]} == {
        BOB: ("failed", GONE),
        EVE: ("sent", None),
    }
    assert office.relay.envelopes() == [[ZOE, EVE], [ZOE, EVE]]
    assert next(one for one in later["copies"] if one["address"] == BOB)["state"] == "failed"


async def test_who_in_copy_is_put_off_gets_it_later_and_nobody_twice(post_office: Any) -> None:
    """A 4xx for somebody in copy is tried again for them alone; the customer was told once that it was sent."""
    async with post_office() as office:
        office.relay.answers[BOB] = [LATER]
        await office.post("a", cc=(BOB,))
        await office.reports("a")
        waiting = await office.delivery("a")
        office.clock.advance(timedelta(minutes=1))
        await eventually(lambda: len(office.relay.taken) == 2)

        async def is_told() -> bool:
            return [one["state"] for one in (await office.delivery("a"))["copies"]] == ["sent"]

        await eventually(is_told)
        reports = await office.reports("a")

    assert waiting["copies"] == [{"address": BOB, "state": "queued", "reason": LATER}]
    assert office.relay.envelopes() == [[ZOE], [BOB]]
    assert [report.state for report in reports] == ["sent"]


async def test_a_customer_who_is_put_off_gets_it_later_and_who_is_in_copy_once(post_office: Any) -> None:
    """A 4xx for the customer is tried again for them alone, though somebody in copy was taken."""
    async with post_office() as office:
        office.relay.answers[ZOE] = [LATER]
        await office.post("a", cc=(BOB,))
        await office.reports("a")
        office.clock.advance(timedelta(minutes=1))
        reports = await office.reports("a", 2)

    assert [(report.state, report.reason) for report in reports] == [("queued", LATER), ("sent", None)]
    assert office.relay.envelopes() == [[BOB], [ZOE]]


async def test_a_customer_who_is_refused_has_failed_whoever_else_was_taken(post_office: Any) -> None:
    """That somebody in copy has the mail does not make it sent: the customer has not."""
    async with post_office() as office:
        office.relay.answers[ZOE] = ["550 5.7.1 we do not like you"]
        await office.post("a", cc=(BOB,))
        (report,) = await office.reports("a")
        suppressed = await office.suppressed()

    assert (report.state, report.reason) == ("failed", "550 5.7.1 we do not like you")
    assert office.relay.envelopes() == [[BOB]]
    assert suppressed == {}


class HalfGateway:
    """Takes every mail for all but Zoe."""

    tells_duplicates = False

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def send(self, mail: EmailMessage, sender: str, recipients: list[str]) -> Handed:
        """Refuse one."""
        return Handed("250 ok", {ZOE: RelayAnswer(550, "5.1.1 gone")} if ZOE in recipients else {})


class FailingStore(SuppressionStore):
    """Reads, and cannot be written."""

    async def add(self, suppression: Suppression) -> None:
        """Not now."""
        raise TransientError("the store does not confirm")


@pytest.mark.parametrize(("cc", "in_doubt"), [((), False), ((BOB,), True)])
async def test_an_answer_that_could_not_be_kept_is_asked_for_again(
    make_platform: PlatformFactory, make_delivery: Callable[..., Delivery], cc: tuple[str, ...], *, in_doubt: bool
) -> None:
    """The mail is tried again, and where somebody has it already that is a doubt, never silent (I8)."""
    platform, now = make_platform("notifier"), datetime(2026, 11, 22, tzinfo=UTC)
    gateway, copies = HalfGateway(), SettingsCopies(platform, "notifier", areas=("email",))
    checks = ForwardingChecks(
        platform.store, gateway, copies, platform.signer, platform.clock, patience=timedelta(minutes=1)
    )
    links, suppressions = UnsubscribeLinks(platform.signer, "https://desk.example"), FailingStore(platform.store)
    channel = MailChannel(gateway, copies, platform.blobs, suppressions, links, checks, platform.clock)
    facts = {"id": "evt_s", "account_id": "acc_1", "time": now, "area": "email", "version": 1, "value": {}}
    await platform.store.start()
    await copies.keep([SettingsChanged.model_validate(facts)])
    with pytest.raises(Deferred, match="does not confirm") as raised:
        await channel.send(make_delivery(to=ZOE, cc=cc))
    await platform.store.stop()

    assert raised.value.in_doubt is in_doubt
