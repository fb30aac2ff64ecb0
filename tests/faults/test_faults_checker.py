"""The checker itself: silent about a history that is in order, and never silent about a broken one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from faults.checker import violations
from faults.history import History, Inbound, Written
from faults.hook_receiver import HookCall
from faults.mail_sink import SunkMail
from faults.observation import Message, Observation, Ticket, TicketEvent, Verdict
from faults.simulated_twilio import SentText
from faults.widget import Thread

Story = tuple[History, Observation]
Break = Callable[[History, Observation], Observation]

ASSIGNED = TicketEvent(2, "support.ticket.assigned.v1", "auto_assignment", 1, "ada")


def story() -> Story:
    """One ticket of each channel, each with a message, an answer, and the mail's with a note; all in order."""
    history = History(
        inbound=[
            Inbound("email", "zoe@c.example", "m1", "in1", 0, "z/0", 2, 2, ["dlv_1", "dlv_2"]),
            Inbound("email", "zoe@c.example", "m2", "in2", 1, "z/0", 1, 1, ["dlv_3"]),
            Inbound("sms", "+1202", "SM1", "in3", 0, "+1202", 3, 2),
            Inbound("web_chat", "v", "in4", "in4", 0, "cnv", 2, 2, [], {1}),
        ],
        written=[
            Written("reply", "t1", "email", "re1", "answered", "o1"),
            Written("note", "t1", "email", "note1", "answered", "n1"),
            Written("reply", "t2", "sms", "re2", "answered", "o2"),
            Written("reply", "t3", "web_chat", "re3", "answered", "o3"),
        ],
    )
    messages = {
        "t1": [said("i1", 1, "in1"), said("i2", 2, "in2"), said("o1", 3, "re1"), said("n1", 4, "note1")],
        "t2": [said("i3", 1, "in3"), said("o2", 2, "re2")],
        "t3": [said("i4", 1, "in4"), said("o3", 2, "re3")],
    }
    events = {ticket_id: [TicketEvent(1, "created", "customer_message", 1, None), ASSIGNED] for ticket_id in messages}
    lines = {1: ("visitor", "My words are in4."), 2: ("agent", "Our words are re3.")}
    seen = Observation(
        may_be_given_tickets=frozenset({"ada"}),
        tickets={
            "t1": Ticket("t1", "email", "open", "ada", "zoe@c.example", 4),
            "t2": Ticket("t2", "sms", "closed", "ada", "+1202", 2),
            "t3": Ticket("t3", "web_chat", "closed", "ada", None, 2),
        },
        messages=messages,
        events=events,
        stream=[("t1", 1), ("t2", 1), ("t1", 1), ("t1", 2), ("t2", 2), ("t3", 1), ("t3", 2), ("t3", 1)],
        ledger=[
            Verdict("dlv_1", "email", "m1", "created", "t1"),
            Verdict("dlv_2", "email", "m1", "duplicate", "t1"),
            Verdict("dlv_3", "email", "m2", "appended", "t1"),
            Verdict("dlv_4", "sms", "SM1", "created", "t2"),
            Verdict("dlv_5", "sms", "SM1", "duplicate", "t2"),
            Verdict("dlv_6", "web_chat", "in4", "created", "t3"),
        ],
        deliveries={"o1": "sent", "o2": "sent"},
        mails=[SunkMail("<o1>", ("zoe@c.example",), "Re: x", "Our words are re1.", "", "")],
        texts=[SentText("SM9", "+1999", "+1202", "Our words are re2.")],
        hooks=[HookCall(message.id, key, message.id, "{}") for key, thread in messages.items() for message in thread],
        threads=[(Thread("cnv", "token", dict(lines)), Thread("cnv", "token", dict(lines)))],
    )
    return history, seen


def said(message_id: str, seq: int, marker: str) -> Message:
    """A message of a thread."""
    kind = {"i": "inbound", "o": "outbound", "n": "note"}[message_id[0]]
    return Message(message_id, seq, kind, f"Words: {marker}.")


def test_a_history_in_order_is_not_complained_about() -> None:
    """Duplicates, redelivered events and unanswered attempts are no violation."""
    assert violations(*story()) == []


def test_a_doubled_mail_that_says_so_is_allowed() -> None:
    """Between the relay's acceptance and our record a crash may double a mail, under one identity (I8)."""
    history, seen = story()
    doubled = replace(seen, mails=[*seen.mails, *seen.mails], deliveries={**seen.deliveries, "o1": "uncertain"})

    assert violations(history, doubled) == []


def test_a_chat_may_go_on_in_the_ticket_that_follows_it_up() -> None:
    """A conversation whose ticket is closed meanwhile continues in another one, which names the first (W2)."""
    history, seen = story()
    history.inbound.append(Inbound("web_chat", "v", "in5", "in5", 1, "cnv", 1, 1, [], {3}))
    follow_up = Ticket("t4", "web_chat", "closed", None, None, 1, follow_up_of="t3")
    seen = _with_ticket(seen, follow_up, said("i5", 1, "in5"), Verdict("dlv_7", "web_chat", "in5", "created", "t4"))
    alien = replace(seen, tickets={**seen.tickets, "t4": replace(follow_up, follow_up_of="t1")})

    assert violations(history, seen) == []
    assert violations(history, alien) == ["web_chat thread cnv is torn over the tickets ['t3', 't4']"]


def _lose(_: History, seen: Observation) -> Observation:
    return _thread(seen, "t2", [])


def _double_in_a_thread(_: History, seen: Observation) -> Observation:
    return _thread(seen, "t2", [said("i3", 1, "in3"), said("o2", 2, "re2"), said("i9", 3, "in3")])


def _swap(_: History, seen: Observation) -> Observation:
    first, second, *rest = seen.messages["t1"]
    return _thread(seen, "t1", [replace(second, seq=1), replace(first, seq=2), *rest])


def _tear(history: History, seen: Observation) -> Observation:
    history.inbound[0].thread = "+1202"
    history.inbound[0].channel = "sms"
    return seen


def _mix(history: History, seen: Observation) -> Observation:
    history.inbound[1].thread = "z/1"
    return seen


def _number_twice(history: History, seen: Observation) -> Observation:
    history.inbound[3].chat_seqs.add(2)
    return seen


def _refuse(history: History, seen: Observation) -> Observation:
    history.refusals.append("mail m9: 554")
    return seen


def _forget_delivery(_: History, seen: Observation) -> Observation:
    return replace(seen, ledger=[entry for entry in seen.ledger if entry.delivery_id != "dlv_2"])


def _judge_delivery_twice(_: History, seen: Observation) -> Observation:
    return replace(seen, ledger=[*seen.ledger, seen.ledger[3]])


def _call_all_duplicates(_: History, seen: Observation) -> Observation:
    return replace(seen, ledger=[replace(entry, verdict="duplicate") for entry in seen.ledger])


def _judge_for_another_ticket(_: History, seen: Observation) -> Observation:
    return replace(seen, ledger=[replace(entry, ticket_id="t1") for entry in seen.ledger])


def _assign_twice(_: History, seen: Observation) -> Observation:
    events = [*seen.events["t1"], replace(ASSIGNED, seq=3)]
    return replace(seen, events={**seen.events, "t1": events}, stream=[*seen.stream, ("t1", 3)])


def _assign_to_nobody_there(_: History, seen: Observation) -> Observation:
    return replace(seen, may_be_given_tickets=frozenset({"ben"}))


def _leave_alone(_: History, seen: Observation) -> Observation:
    alone = replace(seen.tickets["t1"], assignee_id=None)
    return replace(seen, tickets={**seen.tickets, "t1": alone})


def _skip_an_event(_: History, seen: Observation) -> Observation:
    return replace(seen, events={**seen.events, "t1": [seen.events["t1"][0], replace(ASSIGNED, seq=3)]})


def _stream_with_a_gap(_: History, seen: Observation) -> Observation:
    return replace(seen, stream=[("t1", 2), ("t1", 1), *seen.stream[3:]])


def _keep_an_event_back(_: History, seen: Observation) -> Observation:
    return replace(seen, stream=[entry for entry in seen.stream if entry != ("t2", 2)])


def _stream_of_a_ghost(_: History, seen: Observation) -> Observation:
    return replace(seen, stream=[*seen.stream, ("t9", 1)])


def _miscount(_: History, seen: Observation) -> Observation:
    return replace(seen, tickets={**seen.tickets, "t1": replace(seen.tickets["t1"], message_count=5)})


def _leak_by_mail(_: History, seen: Observation) -> Observation:
    return replace(seen, mails=[*seen.mails, SunkMail("<x>", ("zoe@c.example",), "Re: x", "note1", "", "")])


def _leak_by_sms(_: History, seen: Observation) -> Observation:
    return replace(seen, texts=[*seen.texts, SentText("SM8", "+1999", "+1202", "note1")])


def _leak_by_chat(_: History, seen: Observation) -> Observation:
    shown, whole = seen.threads[0]
    shown.lines[3] = whole.lines[3] = ("agent", "note1")
    return seen


def _leak_by_webhook(_: History, seen: Observation) -> Observation:
    return replace(seen, hooks=[*seen.hooks, HookCall("w", "t1", "n1", '{"text": "note1"}')])


def _never_send(_: History, seen: Observation) -> Observation:
    return replace(seen, mails=[])


def _send_twice_in_silence(_: History, seen: Observation) -> Observation:
    return replace(seen, texts=[*seen.texts, *seen.texts])


def _send_under_two_names(_: History, seen: Observation) -> Observation:
    again = replace(seen.mails[0], message_id="<o9>")
    return replace(seen, mails=[*seen.mails, again], deliveries={"o1": "uncertain"})


def _send_to_another(_: History, seen: Observation) -> Observation:
    return replace(seen, mails=[replace(seen.mails[0], recipients=("eve@c.example",))])


def _send_what_was_refused(history: History, seen: Observation) -> Observation:
    history.written[0].fate = "refused"
    return seen


def _answer_twice(history: History, seen: Observation) -> Observation:
    history.written[0].fate = "unknown"
    return _thread(seen, "t1", [*seen.messages["t1"], said("o9", 5, "re1")])


def _change_its_id(history: History, seen: Observation) -> Observation:
    history.written[0].message_id = "o9"
    return seen


def _show_less(_: History, seen: Observation) -> Observation:
    shown, _whole = seen.threads[0]
    del shown.lines[2]
    return seen


def _greet_twice(_: History, seen: Observation) -> Observation:
    shown, whole = seen.threads[0]
    for seq in (3, 4):
        shown.lines[seq] = whole.lines[seq] = ("system", "Hello!")
    return seen


def _keep_from_webhook(_: History, seen: Observation) -> Observation:
    return replace(seen, hooks=seen.hooks[1:])


def _set_aside(_: History, seen: Observation) -> Observation:
    return replace(seen, dead_letters={"inbound-messages-v1-tickets-dlq": 2})


@pytest.mark.parametrize(
    ("breaking", "complaint"),
    [
        (_lose, "was acknowledged and is in no ticket"),
        (_double_in_a_thread, "is there 2 times"),
        (_swap, "stands before an earlier one"),
        (_tear, "is torn over the tickets"),
        (_mix, "mixes the threads"),
        (_number_twice, "was acknowledged under several numbers"),
        (_refuse, "refused for good although it was valid"),
        (_forget_delivery, "which has no verdict"),
        (_judge_delivery_twice, "has 2 verdicts"),
        (_call_all_duplicates, "has 0 verdicts other than duplicate"),
        (_judge_for_another_ticket, "its verdict dlv_6 says t1"),
        (_assign_twice, "was assigned 2 times in epoch 1"),
        (_assign_to_nobody_there, "was assigned to ada, who is not online"),
        (_leave_alone, "is open and was left to nobody"),
        (_skip_an_event, "the history of ticket t1 is numbered [1, 3]"),
        (_stream_with_a_gap, "gets event 2 after 0"),
        (_keep_an_event_back, "has 2 events, and subscribers got 1"),
        (_stream_of_a_ghost, "which is not there"),
        (_miscount, "counts 5 messages"),
        (_leak_by_mail, "left by email to zoe@c.example"),
        (_leak_by_sms, "left by sms to +1202"),
        (_leak_by_chat, "left by web_chat to cnv"),
        (_leak_by_webhook, "left by the webhook w"),
        (_never_send, "was taken and never left"),
        (_send_twice_in_silence, "nobody says that this is uncertain"),
        (_send_under_two_names, "left 2 times"),
        (_send_to_another, "went to eve@c.example"),
        (_send_what_was_refused, "was refused and left all the same"),
        (_answer_twice, "was written once"),
        (_change_its_id, "was taken as o9"),
        (_show_less, "the widget shows [2] differently"),
        (_greet_twice, "was told the same automatic text"),
        (_keep_from_webhook, "the webhook was never told of message i1"),
        (_set_aside, "2 records were set aside"),
    ],
)
def test_a_broken_promise_is_told(breaking: Break, complaint: str) -> None:
    """Each way to break a promise has its sentence."""
    history, seen = story()
    found = violations(history, breaking(history, seen))

    assert any(complaint in sentence for sentence in found), found


def _thread(seen: Observation, ticket_id: str, messages: list[Message]) -> Observation:
    """The same with another thread in one ticket, correctly counted."""
    ticket = replace(seen.tickets[ticket_id], message_count=len(messages))
    return replace(
        seen,
        tickets={**seen.tickets, ticket_id: ticket},
        messages={**seen.messages, ticket_id: messages},
    )


def _with_ticket(seen: Observation, ticket: Ticket, message: Message, verdict: Verdict) -> Observation:
    """The same with one ticket more."""
    return replace(
        seen,
        tickets={**seen.tickets, ticket.id: ticket},
        messages={**seen.messages, ticket.id: [message]},
        events={**seen.events, ticket.id: [TicketEvent(1, "created", "customer_message", 1, None)]},
        stream=[*seen.stream, (ticket.id, 1)],
        ledger=[*seen.ledger, verdict],
        hooks=[*seen.hooks, HookCall("w", ticket.id, message.id, "{}")],
    )
