"""Records on the bus that nobody can read, and how they come back."""

import json
from datetime import UTC, datetime

import pytest

from end_to_end.company import Company, Json
from end_to_end.system import RunningSystem

RECEIVED = "support.message.received.v1"


def received(company: Company, sender: str) -> Json:
    """A customer's message as a gateway says it."""
    now = datetime.now(UTC).isoformat()
    return {
        "type": RECEIVED,
        "id": f"dlv_{sender}",
        "account_id": company.account_id,
        "time": now,
        "message_id": f"msg_{sender}",
        "provider_message_id": f"direct.{sender}",
        "channel": "email",
        "contact_key": sender,
        "sender": {"email": sender},
        "recipient": company.support,
        "subject": "Straight from the bus",
        "text": "Hello",
        "received_at": now,
        "mail": {"message_id": f"direct.{sender}"},
    }


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b"\x00\xff not JSON", {}, "not_json"),
        (b'{"subject": "no type"}', {}, "no_type"),
        (b'{"subject": "no message"}', {"ce_type": RECEIVED}, "invalid"),
    ],
    ids=["not-json", "no-type", "invalid"],
)
def test_a_record_that_cannot_be_read_is_set_aside_and_the_rest_flows(
    system: RunningSystem, shared_company: Company, value: bytes, headers: dict[str, str], reason: str
) -> None:
    """A malformed record goes to the dead letters with its reason, unchanged, and what follows is handled."""
    company = shared_company
    key = f"{company.account_id}/malformed-{reason}"
    system.bus.put("inbound-messages-v1", key, value, **headers)
    ticket = company.opened_by_mail()
    letter = system.bus.dead_letter("inbound-messages-v1", "tickets", key)

    assert (letter["value"], letter["headers"]["dlq_reason"]) == (value, reason)
    assert (letter["headers"]["dlq_topic"], letter["headers"]["dlq_group"]) == ("inbound-messages-v1", "tickets")
    assert ticket["status"] == "open"


def test_every_reader_sets_aside_for_itself(system: RunningSystem, shared_company: Company) -> None:
    """A malformed ticket event is a dead letter of each service that reads such events, and stops none."""
    company = shared_company
    agent = company.agent(online=True)
    system.bus.put("ticket-events-v1", "acc/malformed", b"{", ce_type="support.ticket.closed.v1")
    ticket = company.assigned(company.opened_by_mail()["id"])
    readers = ["router", "notifier", "reporting", "webchat-gateway"]
    letters = [system.bus.dead_letter("ticket-events-v1", reader, "acc/malformed") for reader in readers]
    agent.go(online=False)

    assert [letter["headers"]["dlq_group"] for letter in letters] == readers
    assert ticket["assignee"]["id"] == agent.id
    assert system.process.is_ready()


def test_an_unknown_type_is_counted_and_ignored(system: RunningSystem, shared_company: Company) -> None:
    """A type of a later release makes no dead letter; it is counted, and the rest flows."""
    key, name = f"{shared_company.account_id}/later", "support.message.dreamt.v9"
    value = json.dumps({"type": name, "id": "evt_later"}).encode()
    system.bus.put("inbound-messages-v1", key, value, ce_type=name)
    shared_company.opened_by_mail()
    system.bus.read_by("inbound-messages-v1", "tickets")
    metrics = system.process.metrics()
    counted = [line for line in metrics.splitlines() if line.startswith("deskbus_bus_unknown_types_total")]

    assert key not in [one["key"] for one in system.bus.dead_letters("inbound-messages-v1", "tickets")]
    assert [line for line in counted if 'topic="inbound-messages-v1"' in line and not line.endswith(" 0.0")]


def test_a_record_written_by_another_program_is_taken(system: RunningSystem, shared_company: Company) -> None:
    """Whoever writes the published shape to the bus, with the type only in the body, opens a ticket."""
    company = shared_company
    sender = company.customer("direct")
    key = f"{company.account_id}/{sender}"
    system.bus.put("inbound-messages-v1", key, json.dumps(received(company, sender)).encode())

    assert company.ticket_of(f"direct.{sender}")["subject"] == "Straight from the bus"


def test_replay_brings_an_innocent_dead_letter_back(system: RunningSystem, shared_company: Company) -> None:
    """`deskbus replay` puts dead letters back on their topic: good ones are handled, bad ones set aside again."""
    company = shared_company
    sender = company.customer("innocent")
    key = f"{company.account_id}/{sender}"
    why = {"dlq_reason": "unexpected", "dlq_topic": "inbound-messages-v1", "dlq_group": "tickets"}
    system.bus.put("inbound-messages-v1", f"{key}-bad", b"{", ce_type=RECEIVED)
    system.bus.dead_letter("inbound-messages-v1", "tickets", f"{key}-bad")
    value = json.dumps(received(company, sender)).encode()
    system.bus.put("inbound-messages-v1-tickets-dlq", key, value, ce_type=RECEIVED, **why)
    replayed = system.commands.run("replay", "inbound-messages-v1", "tickets")
    ticket = company.ticket_of(f"direct.{sender}")
    system.bus.dead_letter("inbound-messages-v1", "tickets", f"{key}-bad")
    remaining = [one["key"] for one in system.bus.dead_letters("inbound-messages-v1", "tickets")]

    assert replayed.code == 0, replayed.printed
    assert "inbound-messages-v1" in replayed.printed
    assert ticket["contact"]["email"] == sender
    assert key not in remaining


def test_one_dead_letter_is_looked_at_and_put_back_once(system: RunningSystem, shared_company: Company) -> None:
    """A letter is found by its reason, shown, put back under its own key; a second replay says so (I4, I6)."""
    company = shared_company
    sender, reason = company.customer("chosen"), "chosen_for_this_test"
    key = f"{company.account_id}/{sender}"
    why = {"dlq_reason": reason, "dlq_topic": "inbound-messages-v1", "dlq_group": "tickets"}
    value = json.dumps(received(company, sender)).encode()
    system.bus.put("inbound-messages-v1-tickets-dlq", key, value, ce_type=RECEIVED, **why)
    options = ("--topic", "inbound-messages-v1", "--group", "tickets", "--reason", reason)
    [letter] = map(json.loads, system.commands.run("dead-letters", "list", *options, "--json").printed.splitlines())
    shown = json.loads(system.commands.run("dead-letters", "show", letter["id"]).printed)
    first = system.commands.run("dead-letters", "replay", "--all", *options)
    ticket = company.ticket_of(f"direct.{sender}")
    second = system.commands.run("dead-letters", "replay", letter["id"])
    again = system.commands.run("dead-letters", "replay", letter["id"], "--again")
    system.bus.read_by("inbound-messages-v1", "tickets")
    left = system.commands.run("dead-letters", "list", *options, "--json")

    assert (letter["reason"], letter["bytes"], letter["replayed_at"]) == (reason, len(value), None)
    assert sender not in str(letter)
    assert (shown["key"], shown["headers"]["dlq_reason"]) == (key, reason)
    assert "1 of 1" in first.printed, first.printed
    assert "put back already" in second.printed
    assert "0 of 1" in second.printed
    assert "1 of 1" in again.printed
    assert [message["text"] for message in company.messages(ticket["id"])] == ["Hello"]
    assert left.printed == ""


def test_a_dead_letter_that_there_is_not(system: RunningSystem) -> None:
    """An id that names nothing, and a wish that says nothing, are one sentence each."""
    unknown = system.commands.run("dead-letters", "show", "inbound-messages-v1/tickets/0-99999999")
    nowhere = system.commands.run("dead-letters", "list", "--topic", "no-such-topic")
    nothing = system.commands.run("dead-letters", "replay")

    assert (unknown.code, nowhere.code, nothing.code) == (1, 1, 2)
    assert "there is no dead letter" in unknown.printed
    assert "inbound-messages-v1" in nowhere.printed


def test_replay_knows_topics_and_readers(system: RunningSystem) -> None:
    """An unknown topic, or a group that does not read it, is one sentence that names what there is."""
    topic = system.commands.run("replay", "no-such-topic", "tickets")
    group = system.commands.run("replay", "inbound-messages-v1", "reporting")

    assert (topic.code, group.code) == (1, 1)
    assert "inbound-messages-v1" in topic.printed
    assert "tickets" in group.printed
    assert "Traceback" not in topic.printed + group.printed
