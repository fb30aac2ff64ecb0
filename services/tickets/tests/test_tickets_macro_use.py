"""Answering with macros: previewed, filled in, sent, carried out and counted (N2)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.contacts import ContactEventRecorded, ContactIdentity
from contracts.ids import new_id
from contracts.outbound import OutboundMessageRequested
from contracts.settings import AccountSettings
from contracts.tickets import TicketClosed, TicketMessageAdded
from service_kit.testing.callers import api_key, sign_in
from service_kit.testing.eventually import eventually
from tickets.macros.macro_store import MacroStore
from tickets.macros.macro_uses import MacroUses
from tickets.macros.macros import Macro, MacroActions, used

CARL = "carl@customer.example"


async def _ticket(bench: Any, **given: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail(**given))
    return str(entry.ticket_id)


async def _macro(bench: Any, text: str = "Hello", **given: Any) -> str:
    headers = await sign_in(bench.platform, agent_id="agt_9", role="manager")
    answer = await bench.do("POST", "/v1/macros", {"name": "Refund", "text": text, **given}, **headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def _send(bench: Any, ticket_id: str, macro_id: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    path = f"/v1/tickets/{ticket_id}/messages"
    return await bench.do("POST", path, {"macro_id": macro_id, **(body or {})}, **headers)


async def _preview(bench: Any, ticket_id: str, macro_id: str, **headers: str) -> Any:
    return await bench.do("POST", f"/v1/tickets/{ticket_id}/macros/{macro_id}/preview", **headers)


async def _order(bench: Any, order_id: str, days_ago: int) -> None:
    report = ContactEventRecorded(
        id=new_id("evt"),
        account_id="acc_1",
        time=bench.clock.now(),
        contact=ContactIdentity(email=CARL),
        metric="Placed Order",
        at=bench.clock.now() - timedelta(days=days_ago),
        properties={"order_id": order_id},
    )
    await bench.platform.bus.publish([report])


async def _uses(bench: Any, macro_id: str) -> tuple[int, str | None]:
    macro = await bench.get(f"/v1/macros/{macro_id}")
    return macro["times_used"], macro["last_used_at"]


async def test_a_macro_is_sent_and_carried_out(bench: Any):
    """The text is filled in and sent, and tags, priority, assignee and status change in the same write (N2)."""
    await bench.set("account", AccountSettings(name="Acme", zone="Europe/Paris"))
    ticket = await _ticket(bench)
    await bench.do("PUT", f"/v1/tickets/{ticket}/tags", {"tags": ["new", "late"]})
    version = (await bench.get(f"/v1/tickets/{ticket}"))["version"]
    macro = await _macro(
        bench,
        "Dear {{ contact.email }}, {{ agent.name }} of {{ account.name }} on #{{ ticket.number }}",
        html="<p>Dear {{ contact.email }}</p>",
        actions={
            "add_tags": ["refund"],
            "remove_tags": ["new"],
            "status": "snooze",
            "snooze": "tomorrow",
            "assignee": "me",
            "priority": "high",
        },
    )
    preview = (await _preview(bench, ticket, macro)).json()
    untouched = await bench.get(f"/v1/tickets/{ticket}")
    answer = await _send(bench, ticket, macro, **{"If-Match": str(version)})
    after = await bench.get(f"/v1/tickets/{ticket}")
    [request] = await bench.hear(OutboundMessageRequested)

    assert preview["text"] == f"Dear {CARL}, Ann of Acme on #1"
    assert preview["changes"] == ["status", "snoozed_until", "assignee_id", "priority", "tags"]
    assert untouched["version"] == version
    assert (answer.status_code, answer.json()["text"], answer.json()["html"]) == (
        201,
        preview["text"],
        f"<p>Dear {CARL}</p>",
    )
    assert (request.text, request.html) == (preview["text"], f"<p>Dear {CARL}</p>")
    assert {
        "status": after["status"],
        "snoozed_until": after["snoozed_until"],
        "assignee_id": after["assignee"]["id"],
        "priority": after["priority"],
        "tags": after["tags"],
    } == preview["after"]
    assert (after["tags"], after["snoozed_until"]) == (["late", "refund"], "2026-11-22T08:00:00Z")


async def test_missing_values_stop_everything(bench: Any):
    """Nothing is sent, changed or counted while a variable has no value; all of them are named (N2)."""
    ticket = await _ticket(bench)
    macro = await _macro(
        bench, "{{ contact.phone }} {{ order.number }}", html="{{ order.total }}", actions={"status": "close"}
    )
    answers = [await _preview(bench, ticket, macro), await _send(bench, ticket, macro)]
    edited = await _send(bench, ticket, macro, {"text": "By hand: {{ contact.phone }}"})
    after = await bench.get(f"/v1/tickets/{ticket}")

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "missing_variables")] * 2
    assert answers[1].json()["missing"] == ["contact.phone", "order.number", "order.total"]
    assert (edited.status_code, edited.json()["text"]) == (201, "By hand: {{ contact.phone }}")
    assert (after["status"], after["message_count"]) == ("closed", 2)


async def test_html_is_for_mail(bench: Any):
    """Elsewhere the HTML of a macro is not filled in, and what is missing there stands in nobody's way (N2)."""
    [entry] = await bench.receive(bench.inbox.sms())
    macro = await _macro(bench, "{{ ticket.channel }}", html="{{ order.number }}")
    by_sms = (await _preview(bench, str(entry.ticket_id), macro)).json()
    by_mail = (await _preview(bench, await _ticket(bench), macro)).json()

    assert (by_sms["text"], by_sms["html"]) == ("sms", None)
    assert (by_mail["code"], by_mail["missing"]) == ("missing_variables", ["order.number"])


async def test_the_newest_order_is_meant(bench: Any):
    """`order` is what the customer ordered last, whenever it was reported (N2)."""
    ticket = await _ticket(bench)
    macro = await _macro(bench, "{{ order.number }}")
    for order, days_ago in (("B", 2), ("C", 1), ("A", 3)):
        await _order(bench, order, days_ago)

    async def newest() -> bool:
        preview = (await _preview(bench, ticket, macro)).json()
        return preview.get("text") == "C"

    await eventually(newest, seconds=15)


async def test_a_macro_sent_twice_is_sent_once(bench: Any):
    """The same request again is the same message, its actions and its count are done once (N2, I8)."""
    ticket = await _ticket(bench)
    macro = await _macro(bench, "Bye", actions={"status": "close", "add_tags": ["done"]})
    key = {"Idempotency-Key": "once"}
    one, two = [await _send(bench, ticket, macro, **key) for _ in range(2)]
    await bench.hear(TicketClosed)

    assert one.json() == two.json()
    assert len(bench.heard(OutboundMessageRequested)) == 1
    assert (await _uses(bench, macro))[0] == 1
    assert bench.heard(TicketMessageAdded, macro_id=macro)[0].message_id == one.json()["id"]


async def test_uses_are_counted(bench: Any):
    """Each message that was sent with a macro counts once, and the newest says when (N2)."""
    macro = await _macro(bench)
    unused = await _uses(bench, macro)
    tickets = [await _ticket(bench) for _ in range(3)]
    bench.clock.advance(timedelta(hours=1))
    await asyncio.gather(*(_send(bench, ticket, macro) for ticket in tickets))

    async def counted() -> bool:
        return (await _uses(bench, macro))[0] == 3

    await eventually(counted, seconds=15)

    assert unused == (0, None)
    assert (await _uses(bench, macro))[1] == "2026-11-21T13:00:00Z"


async def test_an_event_told_again_counts_once(bench: Any):
    """A relay may publish the same events twice: a message is one use (N2)."""
    macro = await _macro(bench)
    await _send(bench, await _ticket(bench), macro)
    [told] = await bench.hear(TicketMessageAdded, macro_id=macro)
    for _ in range(2):
        await MacroUses(MacroStore(bench.platform.store)).count([told])

    assert (await _uses(bench, macro))[0] == 1


def test_a_use_is_remembered(make_ticket: Any) -> None:
    """The same message changes nothing; a late one does not turn back when the macro was used last (N2)."""
    noon = make_ticket().created_at
    macro = Macro(
        id="mac_1",
        account_id="acc_1",
        name="n",
        sort_name="n",
        text="t",
        category=None,
        created_at=noon,
        updated_at=noon,
    )
    once = used(macro, "msg_1", noon)
    twice = used(once, "msg_2", noon - timedelta(hours=1))

    assert used(once, "msg_1", noon) is once
    assert (twice.times_used, twice.last_used_at) == (2, noon)


async def test_what_cannot_be_done_is_refused_whole(bench: Any):
    """A reply whose actions cannot be carried out is not sent either (N2)."""
    ticket = await _ticket(bench)
    await bench.do("POST", f"/v1/tickets/{ticket}/close")
    snoozing = await _macro(bench, actions={"status": "snooze", "snooze": "next_week"})
    giving = await _macro(bench, actions={"assignee": "agt_unknown"})
    key = await api_key(bench.platform)
    mine = await _macro(bench, actions={"assignee": "me"})
    signed = await _macro(bench, "{{ agent.name }}")
    answers = [
        await _send(bench, ticket, snoozing),
        await _preview(bench, ticket, snoozing),
        await _send(bench, ticket, giving),
        await _send(bench, ticket, mine, **key),
        await _send(bench, ticket, signed, **key),
        await _send(bench, ticket, "mac_unknown"),
        await _send(bench, ticket, snoozing, {"html": "<b>x</b>"}),
        await _send(bench, "tic_unknown", giving),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "ticket_closed"),
        (409, "ticket_closed"),
        (422, "unknown_agent"),
        (403, "agent_needed"),
        (422, "missing_variables"),
        (404, "not_found"),
        (422, "invalid_request"),
        (404, "not_found"),
    ]
    assert await bench.thread(ticket) == [("inbound", "Where is my order?")]


async def test_a_stale_macro_changes_nothing(bench: Any):
    """`If-Match` of an older version refuses text and actions alike (L6)."""
    ticket = await _ticket(bench)
    macro = await _macro(bench, actions={"status": "close"})
    await bench.do("POST", f"/v1/tickets/{ticket}/notes", {"text": "wait"})
    answer = await _send(bench, ticket, macro, **{"If-Match": "1"})

    assert (answer.status_code, answer.json()["code"]) == (412, "stale")
    assert (await bench.get(f"/v1/tickets/{ticket}"))["status"] == "open"


async def test_macros_of_another_account(bench: Any):
    """Neither a ticket nor a macro of another account is there."""
    ticket, macro = await _ticket(bench), await _macro(bench)
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_x")
    answers = [
        await _preview(bench, ticket, macro, **stranger),
        await _send(bench, ticket, macro, **stranger),
        await bench.do("GET", f"/v1/macros/{macro}", **stranger),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}


@pytest.mark.parametrize(
    "flaw",
    [
        {"status": "snooze"},
        {"snooze": "tomorrow"},
        {"status": "open"},
        {"status": "close", "snooze": "tomorrow"},
        {"add_tags": ["a"], "remove_tags": ["a"]},
        {"add_tags": [" "]},
        {"add_tags": ["x"] * 21},
        {"priority": "very"},
        {"assignee": ""},
        {"colour": "red"},
    ],
)
def test_actions_that_make_no_sense(flaw: dict[str, Any]) -> None:
    """Actions that contradict themselves or mean nothing are refused (S4)."""
    with pytest.raises(ValidationError):
        MacroActions.model_validate(flaw)
