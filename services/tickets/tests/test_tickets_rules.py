from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contacts import Consent, ContactIdentity, ContactUpdated, SmsConsent
from contracts.outbound import OutboundMessageRequested
from contracts.people import Actor, Party
from contracts.routing import AssignmentDecided
from contracts.schedules import Schedule
from contracts.settings import AccountSettings, ChatSettings, SmsAutoResponder, SmsSettings
from tickets.contacts.contact_model import NumberSaid, SaidBool
from tickets.contacts.contacts import may_be_told, new_contact, published, spent, with_facts
from tickets.intake.auto_text import AutoText, office_hours_text, rendered, session_begins, sms_answer
from tickets.life.assignment import AlreadyJudged, Apply, Refuse, by_hand, judge, settled
from tickets.ticket.model import Delivery, Message, Ticket
from tickets.ticket.visibility import may_leave
from tickets.writing.conversation import with_mail
from tickets.writing.delivery_state import DELAYED, advances
from tickets.writing.outgoing import filled

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")
PHONE = "+33612345678"
YES, NO = SaidBool(value=True, at=NOON), SaidBool(value=False, at=NOON)

MakeTicket = Callable[..., Ticket]


def _decision(**given: Any) -> AssignmentDecided:
    fields = {"id": "dec_1", "account_id": "acc_1", "time": NOON, "ticket_id": "tic_1", "agent_id": "agt_1"}
    return AssignmentDecided.model_validate({**fields, "assignment_epoch": 1, "rule": "round_robin", **given})


@pytest.mark.parametrize(
    ("ticket", "known", "expected"),
    [
        ({}, True, Apply()),
        ({"version": 99}, True, Apply()),
        ({"team_id": "tea_1"}, True, Apply()),
        ({"assignment_epoch": 2}, True, Refuse("stale_epoch")),
        ({"status": "closed"}, True, Refuse("not_open")),
        ({"status": "snoozed"}, True, Refuse("not_open")),
        ({"assignee_id": "agt_2"}, True, Refuse("already_assigned")),
        ({"assignee_id": "agt_1"}, True, Refuse("already_assigned")),
        ({"held": True}, True, Refuse("held")),
        ({}, False, Refuse("unknown_agent")),
        ({"judged_decisions": ("dec_0", "dec_1"), "assignment_epoch": 7}, True, AlreadyJudged()),
    ],
)
def test_decisions(make_ticket: MakeTicket, ticket: dict[str, Any], expected: Any, *, known: bool):
    """Which decisions still apply, and why the others do not (A6)."""
    assert judge(make_ticket(**ticket), _decision(), agent_is_known=known) == expected


@given(st.lists(st.sampled_from(["ann", "ben", "nobody", "decide", "decide again"]), max_size=12))
def test_a_person_always_wins(make_ticket: MakeTicket, acts: list[str]):
    """However decisions and choices by hand interleave, whoever was chosen by hand last has the ticket (A6)."""
    ticket, chosen_by_hand = make_ticket(), False
    decision = _decision(assignment_epoch=ticket.assignment_epoch, agent_id="agt_9")
    last: str | None = None
    for act in acts:
        if act.startswith("decide"):
            decision = _decision(id=f"dec_{act}", assignment_epoch=1, agent_id="agt_9")
            ticket = settled(ticket, decision, agent_is_known=True, now=NOON)
        else:
            last = None if act == "nobody" else act
            ticket = by_hand(ticket, agent_id=last, team_id=None, actor=ANN, now=NOON)
            chosen_by_hand = True

    expected = last if chosen_by_hand else ("agt_9" if acts else None)
    assert ticket.assignee_id == expected


@pytest.mark.parametrize(
    ("before", "agent", "team", "held", "event"),
    [
        ({}, "agt_1", None, False, "assigned"),
        ({"assignee_id": "agt_1"}, None, None, True, "unassigned"),
        ({"assignee_id": "agt_1", "team_id": "tea_1"}, None, "tea_1", True, "unassigned"),
        ({"assignee_id": "agt_1"}, None, "tea_1", False, "unassigned"),
        ({}, None, "tea_1", False, "assigned"),
        ({}, None, None, True, "unassigned"),
        ({"held": True}, "agt_1", None, False, "assigned"),
    ],
)
def test_choices_by_hand(
    make_ticket: MakeTicket, before: dict[str, Any], agent: str | None, team: str | None, event: str, *, held: bool
):
    """A ticket unassigned by hand is held for a person; one given to a team is routed again (A6, A8)."""
    ticket = by_hand(make_ticket(**before), agent_id=agent, team_id=team, actor=ANN, now=NOON)

    assert (ticket.assignee_id, ticket.team_id, ticket.held) == (agent, team, held)
    assert [entry.type for entry in ticket.outbox] == [f"support.ticket.{event}.v1"]


def test_the_same_choice_again_says_nothing(make_ticket: MakeTicket):
    """Choosing who is chosen already changes nothing (A8)."""
    ticket = make_ticket(assignee_id="agt_1")

    assert by_hand(ticket, agent_id="agt_1", team_id=None, actor=ANN, now=NOON) is ticket


@pytest.mark.parametrize(
    ("mode", "said", "begins", "answers"),
    [
        ("off", NumberSaid(), True, False),
        ("non_consented", NumberSaid(), False, True),
        ("non_consented", NumberSaid(marketing=YES), True, False),
        ("non_consented", NumberSaid(transactional=YES), True, False),
        ("non_consented", NumberSaid(transactional=NO), True, True),
        ("all", NumberSaid(marketing=YES), False, True),
        ("first_of_session", NumberSaid(), True, True),
        ("first_of_session", NumberSaid(), False, False),
        *((mode, NumberSaid(marketing=YES, stopped=YES), True, False) for mode in ("non_consented", "all")),
    ],
)
def test_auto_responder(mode: Any, said: NumberSaid, *, begins: bool, answers: bool):
    """Whom the auto-responder answers by mode; a stop always wins (M5, M6)."""
    sms = SmsSettings(auto_responder=SmsAutoResponder(mode=mode, text="Thanks"))
    answer = sms_answer(sms, AccountSettings(), said, session_begins=begins)

    assert (answer == AutoText("Thanks", f"auto_responder_{mode}")) is answers


def test_a_text_with_a_hole_is_not_sent():
    """A text with an unknown variable is not sent at all, rather than with a hole in it (N2)."""
    values = {"support_email": "support@acme.example"}

    assert rendered("Write to {{ support_email }}, {{support_email}}", values) == (
        "Write to support@acme.example, support@acme.example"
    )
    assert rendered("Dear {{ contact.name }}", values) is None


@pytest.mark.parametrize(
    ("last", "was_closed", "begins"),
    [(None, False, True), (1, False, False), (24, False, True), (1, True, True)],
)
def test_sessions(last: int | None, *, was_closed: bool, begins: bool):
    """A session begins on a new or closed ticket, or after a day of silence (M6)."""
    last_at = None if last is None else NOON - timedelta(hours=last)

    assert session_begins(last_at, was_closed=was_closed, now=NOON) is begins


@pytest.mark.parametrize(
    ("weekly", "text"), [({"sat": (("09:00", "18:00"),)}, "in"), ({"sun": (("09:00", "18:00"),)}, "out"), ({}, "out")]
)
def test_office_hours_text(weekly: dict[Any, Any], text: str):
    """The text goes by the hours at that moment; an empty schedule is always closed (W3)."""
    chat = ChatSettings(in_hours_text="in", out_of_hours_text="out")
    schedule = Schedule(id="sch_1", name="Hours", zone="UTC", weekly=weekly)
    said = office_hours_text(chat, schedule, NOON)

    assert said is not None
    assert said.text == text


def test_no_office_hours_text():
    """Nothing is said without a schedule, or where no text is set (W3)."""
    schedule = Schedule(id="sch_1", name="Never", zone="UTC")

    assert office_hours_text(ChatSettings(out_of_hours_text="out"), None, NOON) is None
    assert office_hours_text(ChatSettings(in_hours_text="in"), schedule, NOON) is None


@given(st.lists(st.integers(0, 240), max_size=20))
def test_budget(minutes: list[int]):
    """In no hour does a contact get more than three automatic messages (X7)."""
    contact, told = new_contact("con_1", "acc_1", NOON), []
    for number, minute in enumerate(sorted(minutes)):
        now = NOON + timedelta(minutes=minute)
        if may_be_told(contact, f"msg_{number}", now):
            contact = spent(contact, f"msg_{number}", now)
            told.append(now)

    assert all(sum(timedelta(0) <= other - at < timedelta(hours=1) for other in told) <= 3 for at in told)


def test_the_same_automatic_message_counts_once():
    """Deciding an answer again after a lost race does not use the budget up (X7)."""
    contact = new_contact("con_1", "acc_1", NOON)
    for _ in range(5):
        assert may_be_told(contact, "msg_1", NOON)
        contact = spent(contact, "msg_1", NOON)

    assert contact.automatic == {"msg_1": NOON}


reports = st.builds(
    ContactUpdated,
    id=st.just("evt_1"),
    account_id=st.just("acc_1"),
    contact=st.just(ContactIdentity(phone=PHONE)),
    time=st.just(NOON),
    name=st.none() | st.sampled_from(["Carl", "Karl"]),
    segments=st.none() | st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple),
    consent=st.none()
    | st.builds(SmsConsent, marketing=st.none() | st.booleans(), stopped=st.none() | st.booleans()).map(
        lambda sms: Consent(sms=sms)
    ),
    custom=st.none() | st.dictionaries(st.sampled_from(["plan", "size"]), st.integers(0, 3)),
)


@given(st.lists(reports, min_size=1, max_size=4))
def test_the_newest_word_wins_in_any_order(said: list[ContactUpdated]):
    """Reports leave the same contact in whatever order, and however often, they arrive (M5)."""
    timed = [report.model_copy(update={"time": NOON + timedelta(minutes=n)}) for n, report in enumerate(said)]
    outcomes = []
    for order in permutations(timed):
        contact = new_contact("con_1", "acc_1", NOON)
        for report in (*order, *order[:1]):
            contact = with_facts(contact, report, (PHONE,))
        outcomes.append(contact)

    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_a_contact_is_announced_when_it_changed():
    """Only what others can see is published; spending the budget is not."""
    contact = published(None, new_contact("con_1", "acc_1", NOON), NOON)
    same = published(contact, spent(contact, "msg_1", NOON), NOON)

    assert (contact.version, len(contact.outbox)) == (1, 1)
    assert (same.version, len(same.outbox)) == (1, 1)


@pytest.mark.parametrize(
    ("known", "state", "is_news"),
    [
        (None, "queued", True),
        ("queued", "queued", False),
        ("queued", "sent", True),
        ("queued", "uncertain", True),
        ("uncertain", "sent", True),
        ("sent", "queued", False),
        ("sent", "failed", True),
        ("sent", "delivered", True),
        ("delivered", "sent", False),
        ("delivered", "failed", False),
        ("failed", "delivered", True),
    ],
)
def test_delivery_states(known: Any, state: Any, *, is_news: bool):
    """A delivery never goes back, and `delivered` is the last word (M11)."""
    assert advances(Delivery(state=known) if known else None, state) is is_news


@pytest.mark.parametrize(
    ("known", "is_news"),
    [
        (None, True),
        (Delivery(state="queued"), True),
        (Delivery(state="sent"), True),
        (Delivery(state="sent", reason=DELAYED), False),
        (Delivery(state="failed"), False),
        (Delivery(state="delivered"), False),
    ],
)
def test_that_a_sent_message_is_late_is_news_once(known: Delivery | None, *, is_news: bool):
    """A delay is told of what was sent, and takes back neither a failure nor an arrival (X7)."""
    assert advances(known, "sent", DELAYED) is is_news
    assert not advances(Delivery(state="sent", reason=DELAYED), "sent", None)


def test_notes_may_not_leave():
    """Only what is written for customers may leave (W5)."""
    assert {kind for kind in ("inbound", "outbound", "note", "system") if may_leave(kind)} == {"outbound", "system"}


def test_a_note_is_withheld_even_if_it_is_requested():
    """A request to send a note is never filled in, whoever made it (W5)."""
    request = OutboundMessageRequested(
        id="evt_1",
        account_id="acc_1",
        time=NOON,
        message_id="msg_1",
        channel="web_chat",
        purpose="reply",
        contact_key="vis_1",
        recipient=Party(visitor_id="vis_1"),
        text="",
    )
    reply = Message(
        id="msg_1", account_id="acc_1", ticket_id="tic_1", kind="outbound", author=ANN, text="Hi", created_at=NOON
    )
    sendable = filled(request, reply)

    assert sendable is not None
    assert sendable.text == "Hi"
    assert filled(request, reply.model_copy(update={"kind": "note"})) is None


def test_mail_chain_is_capped():
    """References keep the first mail and the newest ones (X8)."""
    chain: tuple[str, ...] = ()
    for number in range(100):
        chain = with_mail(chain, (f"m{number}",))

    assert (len(chain), chain[0], chain[-1]) == (20, "m0", "m99")
