"""Agents whom a note mentions get one mail, which says nothing of the note (N3)."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from contracts.directories import AgentEntry
from contracts.ids import derive_id
from contracts.people import Actor
from contracts.settings import AccountSettings, EmailSettings, SettingsChanged, SupportAddress
from contracts.tickets import TicketAgentMentioned, TicketFacts
from notifier.app import create_service
from notifier.staff_mail import STAFF_MAILS, StaffMail, composed, deferred, mention_mail, sender_of
from service_kit.docstore import Eq
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

ACCOUNT = "acc_1"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = AgentEntry(id="agt_1", name="Ann", email="ann@acme.example", role="support")
BEN = AgentEntry(id="agt_2", name="Ben\r\nBcc: all@acme.example", email="ben@acme.example", role="support")
GONE = AgentEntry(id="agt_3", name="Gus", email="gus@acme.example", role="support", active=False)


def mention(agent_id: str, note: str = "msg_1") -> TicketAgentMentioned:
    """Ann mentions an agent in a note."""
    facts = TicketFacts(
        id="tic_1",
        number=1042,
        channel="email",
        status="open",
        contact_id="con_1",
        assignment_epoch=1,
        version=4,
        created_at=NOW,
        cycle_opened_at=NOW,
    )
    return TicketAgentMentioned(
        id=derive_id("evt", note, agent_id),
        account_id=ACCOUNT,
        time=NOW,
        ticket_id="tic_1",
        seq=8,
        actor=Actor(kind="agent", id="agt_1"),
        cause="agent",
        ticket=facts,
        message_id=note,
        agent_id=agent_id,
    )


@dataclass(slots=True)
class Desk:
    """A running notifier that sends into a maildir."""

    platform: Platform
    service: Service
    outbox: Path
    version: int = 1

    async def set(self, **areas: dict[str, Any]) -> None:
        """Publish settings of other owners."""
        self.version += 1
        await self.platform.bus.publish(
            [
                SettingsChanged.model_validate(
                    {
                        "id": derive_id("evt", area, str(self.version)),
                        "account_id": ACCOUNT,
                        "time": NOW,
                        "area": area,
                        "version": self.version,
                        "value": value,
                    }
                )
                for area, value in areas.items()
            ]
        )

    async def settled(self, count: int) -> dict[str, StaffMail]:
        """The mails by agent, once so many have come to an end."""

        async def look() -> dict[str, StaffMail]:
            mails = (await self.platform.store.collection(STAFF_MAILS).find(Eq("account_id", ACCOUNT))).items
            ended = {mail.agent_id: mail for mail in mails if mail.state != "pending"}
            return ended if len(ended) == count else {}

        return await eventually(look, seconds=15)

    def letters(self) -> list[EmailMessage]:
        """What left."""
        files = sorted((self.outbox / "new").glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


@pytest.fixture
async def desk(
    make_platform: PlatformFactory, running: Callable[..., AbstractAsyncContextManager[None]], tmp_path: Path
) -> AsyncIterator[Desk]:
    """A notifier that knows an account and its agents."""
    platform = make_platform("notifier")
    service = create_service(platform)
    async with running(service):
        desk = Desk(platform, service, tmp_path / "outbox")
        await desk.set(
            account={"name": "Acme", "support_email": "support@acme.example"},
            email={"addresses": {"support@acme.example": {}}},
            agents={"agents": {agent.id: agent.model_dump(mode="json") for agent in (ANN, BEN, GONE)}},
        )
        yield desk


async def test_a_mentioned_agent_gets_one_mail(desk: Desk) -> None:
    """However often the event comes it is one mail, from the account, to be answered to the colleague."""
    for _ in range(3):
        await desk.platform.bus.publish([mention("agt_2"), mention("agt_2")])
    await desk.settled(1)
    await desk.platform.bus.publish([mention("agt_1", "msg_2")])
    await desk.settled(2)
    [letter] = [letter for letter in desk.letters() if "ben@" in letter["To"]]
    text = letter.get_content()

    assert len(desk.letters()) == 2
    assert letter["Subject"] == "Ann mentioned you in ticket #1042"
    assert "support@acme.example" in letter["From"]
    assert letter["Reply-To"] == "Ann <ann@acme.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Bcc"] is None
    assert "tic_1" in text


async def test_who_left_gets_no_mail(desk: Desk) -> None:
    """An agent who left, and one whom nobody knows, are skipped with the reason."""
    await desk.platform.bus.publish([mention("agt_3"), mention("agt_unknown")])
    mails = await desk.settled(2)

    assert {(mail.state, mail.reason) for mail in mails.values()} == {("skipped", "no such agent")}
    assert desk.letters() == []


async def test_an_account_can_do_without(desk: Desk) -> None:
    """With `mention_email` off nothing leaves; it is on by default."""
    headers, path = await sign_in(desk.platform, account_id=ACCOUNT, role="owner"), "/v1/settings/notifications"
    async with http_client(desk.service.api, headers=headers) as http:

        async def shown() -> dict[str, Any]:
            answer = await http.get(path)
            return dict(answer.json()) if answer.is_success else {}

        before = await eventually(shown)
        changed = await http.patch(path, json={"mention_email": False})
    await desk.platform.bus.publish([mention("agt_2")])
    mails = await desk.settled(1)

    assert (before["mention_email"], changed.json()["mention_email"]) == (True, False)
    assert [(mail.state, mail.reason) for mail in mails.values()] == [("skipped", "switched off")]
    assert desk.letters() == []


def test_a_mail_that_cannot_leave_is_tried_again() -> None:
    """Later and later, for five days; then it has failed, with the reason."""
    mail = mention_mail(mention("agt_2"), NOW)
    moments = []
    while mail.due_at is not None:
        moments.append(mail.due_at)
        mail = deferred(mail, "451 busy", mail.due_at)

    assert [moment - NOW for moment in moments[:3]] == [timedelta(), timedelta(minutes=1), timedelta(minutes=6)]
    assert timedelta(days=4) < moments[-1] - NOW < timedelta(days=6)
    assert (mail.state, mail.reason) == ("failed", "451 busy")


@pytest.mark.parametrize(
    ("support", "addresses", "sender"),
    [
        ("help@acme.example", ["a@acme.example"], "help@acme.example"),
        ("", ["b@x.example", "a@x.example"], "a@x.example"),
        ("", [], None),
    ],
)
def test_mails_to_staff_leave_from_the_account(support: str, addresses: Sequence[str], sender: str | None) -> None:
    """The account's own address, or the first of those that customers write to."""
    email = EmailSettings(addresses={address: SupportAddress() for address in addresses})

    assert sender_of(AccountSettings(support_email=support), email) == sender


def test_a_mail_says_who_and_where_only() -> None:
    """Names, the ticket's number and id: nothing of the customer, and no line that a name could add."""
    agents = {agent.id: agent for agent in (ANN, BEN)}
    letter = composed(mention_mail(mention("agt_2"), NOW), BEN, agents, AccountSettings(name="Acme"), "s@acme.example")
    headers = {name.lower() for name in letter.keys()}  # noqa: SIM118 - a mail is no mapping

    assert "bcc" not in headers
    assert "con_1" not in letter.as_string()
    assert letter["To"] == '"Ben Bcc: all@acme.example" <ben@acme.example>'
