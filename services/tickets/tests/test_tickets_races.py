"""Two replicas on one store, without the order that the bus would give: every write may lose a race."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio

from contracts.directories import ScheduleDirectory
from contracts.ids import derive_id
from contracts.people import Actor
from contracts.settings import (
    AccountSettings,
    Area,
    AssignmentSettings,
    ChatSettings,
    EmailSettings,
    SettingsChanged,
    SmsSettings,
    TicketSettings,
)
from service_kit.docstore import Eq
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.settings_copies import SettingsCopies
from service_kit.testing.manual_clock import ManualClock
from tickets.contacts.contact_store import ContactStore
from tickets.intake.intake import Intake
from tickets.intake.intake_guard import GuardReader
from tickets.intake.intake_reader import IntakeReader
from tickets.intake.intake_writer import IntakeWriter
from tickets.ledger.intake_entry import INTAKE
from tickets.ledger.intake_ledger import IntakeLedger
from tickets.life.life import closed, snoozed
from tickets.people.presence_store import PresenceStore
from tickets.privacy.block_store import BlockStore
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.privacy.number_stop import NumberStops
from tickets.ticket.desk import Desk
from tickets.ticket.history import History
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.mail_ids import SignedIds
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import MESSAGES, TICKETS, Message, Ticket
from tickets.ticket.rules import RulesReader
from tickets.ticket.ticket_numbers import TicketNumbers
from tickets.ticket.ticket_store import TicketStore
from tickets.writing.conversation import added, inbound_message, superseded
from tickets.writing.publication import Publication

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")
AREAS: tuple[Area, ...] = ("account", "tickets", "assignment", "email", "sms", "chat", "schedules")
SETTINGS = {
    "account": AccountSettings(),
    "tickets": TicketSettings(),
    "assignment": AssignmentSettings(),
    "email": EmailSettings(),
    "sms": SmsSettings(),
    "chat": ChatSettings(),
    "schedules": ScheduleDirectory(),
}


@dataclass(frozen=True, slots=True)
class Replica:
    """One replica's intake, and the way its agents change tickets."""

    platform: Platform
    copies: SettingsCopies
    intake: Intake
    desk: Desk
    history: History

    async def tickets(self) -> list[Ticket]:
        """All tickets."""
        page = await self.platform.store.collection(TICKETS).find(Eq("account_id", "acc_1"), limit=1000)
        return list(page.items)

    async def thread(self, ticket: Ticket) -> list[Message]:
        """The messages of a ticket by their place."""
        page = await self.platform.store.collection(MESSAGES).find(Eq("ticket_id", ticket.id), limit=1000)
        return sorted(page.items, key=lambda message: message.seq or 0)

    async def verdicts(self, *events: Any) -> list[str]:
        """How deliveries ended."""
        found = await self.platform.store.collection(INTAKE).get_many([event.id for event in events])
        return [found[event.id].verdict for event in events]


def _replica(platform: Platform) -> Replica:
    store, bus, clock = platform.store, platform.bus, platform.clock
    copies = SettingsCopies(platform, "tickets", areas=AREAS)
    tickets, messages, contacts = TicketStore(store), MessageStore(store), ContactStore(store)
    histories, signed, blocks = HistoryStore(store), SignedIds(platform.signer), BlockStore(store)
    history = History(histories)
    late = ErasureBlobs(messages, blocks, platform.blobs)
    desk = Desk(tickets, history, Publication(messages, histories, late, clock), bus, clock)
    reader = IntakeReader(
        tickets,
        messages,
        contacts,
        PresenceStore(store),
        RulesReader(copies),
        TicketNumbers(store),
        signed,
        GuardReader(blocks, NumberStops(store)),
    )
    writer = IntakeWriter(tickets, messages, contacts, desk.outbox, Outbox(contacts.collection, bus, clock), blocks)
    intake = Intake(reader, writer, IntakeLedger(store), signed, clock, late)
    return Replica(platform, copies, intake, desk, history)


@pytest_asyncio.fixture
async def replicas(make_platform: Callable[..., Platform]) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two replicas of tickets, handed their messages by the test."""
    clock = ManualClock(NOON)
    pair = _replica(make_platform("tickets", clock)), _replica(make_platform("tickets", clock))
    changed = [
        SettingsChanged.model_validate(
            {"id": f"evt_{area}", "account_id": "acc_1", "time": NOON, "area": area, "version": 1}
            | {"value": value.model_dump(mode="json")}
        )
        for area, value in SETTINGS.items()
    ]
    for replica in pair:
        await replica.platform.store.start()
    for replica in pair:
        await replica.copies.keep(changed)
        await replica.platform.bus.start()
    yield pair
    for replica in pair:
        await replica.platform.bus.stop()
        await replica.platform.store.stop()


async def test_first_messages_at_two_replicas(replicas: tuple[Replica, Replica], inbox: Any):
    """Two first messages of one person at two replicas make one ticket with both, whoever wins (I5, M3)."""
    first, second = replicas
    for number in range(8):
        sender = f"+3361234567{number}"
        one, two = inbox.sms("one", sender=sender), inbox.sms("two", sender=sender)
        await asyncio.gather(first.intake.take_in([one]), second.intake.take_in([two]))
        verdicts = await first.verdicts(one, two)

        assert sorted(verdicts) == ["appended", "created"]
    tickets = await first.tickets()
    threads = [[message.seq for message in await first.thread(ticket)] for ticket in tickets]

    assert len(tickets) == len({ticket.number for ticket in tickets}) == 8
    assert threads == [[1, 2]] * 8


async def test_one_message_at_two_replicas(replicas: tuple[Replica, Replica], inbox: Any):
    """One message delivered to two replicas at once is one message; one delivery is the duplicate (I4)."""
    first, second = replicas
    for number in range(8):
        deliveries = [
            inbox.mail("Hi", mail_id=f"m{number}@customer.example", sender=f"c{number}@x.example") for _ in range(2)
        ]
        await asyncio.gather(first.intake.take_in(deliveries[:1]), second.intake.take_in(deliveries[1:]))

        assert sorted(await first.verdicts(*deliveries)) == ["created", "duplicate"]
    tickets = await first.tickets()

    assert [ticket.next_seq for ticket in tickets] == [2] * 8


async def test_a_batch_that_partly_loses(replicas: tuple[Replica, Replica], inbox: Any):
    """Two replicas with overlapping batches place every message exactly once, in one ticket per person (I4, I5)."""
    first, second = replicas
    senders = [f"+3361234560{number}" for number in range(4)]
    messages = [inbox.sms(f"{n}", sender=sender, provider_id=f"{sender}/{n}") for n in range(5) for sender in senders]
    again = [inbox.sms(m.text, sender=m.sender.phone, provider_id=m.provider_message_id) for m in messages]
    await asyncio.gather(first.intake.take_in(messages), second.intake.take_in(list(reversed(again))))
    tickets = await first.tickets()
    threads = [await first.thread(ticket) for ticket in tickets]

    assert len(tickets) == 4
    assert [sorted(message.text for message in thread) for thread in threads] == [["0", "1", "2", "3", "4"]] * 4
    assert [[message.seq for message in thread] for thread in threads] == [[1, 2, 3, 4, 5]] * 4
    assert sorted(await first.verdicts(*messages, *again)).count("duplicate") == 20


async def test_agents_and_customers_at_once(replicas: tuple[Replica, Replica], inbox: Any):
    """While agents close and snooze, messages arrive: none is lost, and the history has neither gap nor fork (L5)."""
    first, second = replicas
    opening = inbox.sms("0")
    await first.intake.take_in([opening])
    [ticket] = await first.tickets()

    def close(current: Ticket) -> Ticket:
        return closed(current, actor=ANN, now=NOON)

    def snooze(current: Ticket) -> Ticket:
        if current.status == "closed":
            return current
        return snoozed(current, until=NOON + timedelta(hours=current.event_seq), actor=ANN, now=NOON)

    for number in range(1, 9):
        await asyncio.gather(
            first.intake.take_in([inbox.sms(str(number))]),
            second.desk.change("acc_1", ticket.id, close),
            first.desk.change("acc_1", ticket.id, snooze),
        )
    [after] = await first.tickets()
    events = (await first.history.page(after, limit=200, cursor=None)).items
    thread = await first.thread(after)

    assert [message.text for message in thread] == [str(number) for number in range(9)]
    assert [message.seq for message in thread] == list(range(1, 10))
    assert [event.seq for event in events] == list(range(1, after.event_seq + 1))
    versions = [event.data["ticket"]["version"] for event in events]
    assert versions == sorted(versions)


async def test_a_chat_closed_while_its_visitor_writes(replicas: tuple[Replica, Replica], inbox: Any):
    """A line that races with the closing of its chat is in exactly one ticket, linked if it is another one (W2)."""
    first, second = replicas
    for number in range(8):
        conversation = f"cnv_{number}"
        await first.intake.take_in([inbox.chat("one", conversation=conversation)])
        [ticket] = [t for t in await first.tickets() if t.correspondence.conversation_id == conversation]
        line = inbox.chat("two", conversation=conversation, seq=2)
        await asyncio.gather(
            first.intake.take_in([line]),
            second.desk.change("acc_1", ticket.id, lambda current: closed(current, actor=ANN, now=NOON)),
        )
        tickets = [t for t in await first.tickets() if t.correspondence.conversation_id == conversation]
        threads = [await first.thread(t) for t in tickets]

        assert sorted(message.text for thread in threads for message in thread) == ["one", "two"]
        assert {t.follow_up_of for t in tickets} <= {None, ticket.id}


async def test_one_contact_at_two_replicas(replicas: tuple[Replica, Replica], inbox: Any):
    """First messages of one sender at two replicas make one contact, announced once (I5)."""
    first, second = replicas
    messages = [inbox.mail(mail_id=f"m{number}@customer.example") for number in range(4)]
    await asyncio.gather(
        *(replica.intake.take_in([message]) for replica, message in zip((first, second) * 2, messages, strict=True))
    )
    [contact] = (await ContactStore(first.platform.store).page("acc_1", None, limit=10, cursor=None)).items

    assert (contact.version, contact.outbox) == (1, ())
    assert {ticket.contact_id for ticket in await first.tickets()} == {contact.id}


async def test_a_succession_that_was_interrupted(replicas: tuple[Replica, Replica], inbox: Any):
    """A chat that gave up its thread to a ticket that was never written gets it with the redelivery, linked (W2)."""
    first, second = replicas
    await first.intake.take_in([inbox.chat("one")])
    [ticket] = await first.tickets()
    ticket = await first.desk.change("acc_1", ticket.id, lambda current: closed(current, actor=ANN, now=NOON))
    line = inbox.chat("two", seq=2)
    follow_up_id = derive_id("tic", "acc_1", line.message_id)
    message = inbound_message(
        line, ticket_id=follow_up_id, contact_id=ticket.contact_id, verdict="created", rule="closed_for_good"
    )
    stored = message.model_copy(update={"follow_up_of": ticket.id})
    await MessageStore(first.platform.store).insert([stored])
    await first.desk.change("acc_1", ticket.id, lambda current: superseded(current, follow_up_id))
    await second.intake.take_in([line])
    follow_up = await first.desk.load("acc_1", follow_up_id)

    assert (follow_up.follow_up_of, follow_up.thread_key) == (ticket.id, "chat/cnv_1")
    assert await first.verdicts(line) == ["created"]


async def test_a_message_that_its_ticket_counts_already(replicas: tuple[Replica, Replica], inbox: Any):
    """A message whose ticket counts it, though its event was never published, is not counted twice (I4)."""
    first, second = replicas
    await first.intake.take_in([inbox.sms("one")])
    [ticket] = await first.tickets()
    event = inbox.sms("two")
    message = inbound_message(
        event, ticket_id=ticket.id, contact_id=ticket.contact_id, verdict="appended", rule="sms_thread"
    )
    await MessageStore(first.platform.store).insert([message])
    [counted] = (await first.desk.tickets.replace([added(ticket, message, cause="customer_message", now=NOON)])).done
    await second.intake.take_in([event])
    [after] = await first.tickets()

    assert (after.next_seq, after.event_seq, after.outbox) == (counted.next_seq, counted.event_seq, ())
    assert [message.seq for message in await first.thread(after)] == [1, 2]
    assert await first.verdicts(event) == ["appended"]
