"""Random lives of tickets: what customers, agents, the router, timers and settings do, against a tiny model.

The service is the real one, with its routes, its readers of the bus and its store; the bus alone hands over at once
what is published, so that a life can be repeated step by step.
"""

from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import httpx
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contracts.ids import new_id
from contracts.presence import AgentAvailabilityChanged
from contracts.routing import AssignmentDecided
from contracts.tickets import TicketAssignmentRefused
from ticket_lives.company import AGENTS, PHONES, Company, World, a_world
from ticket_lives.life import PRESETS, Life

LIVES, STEPS = 20, 20
MOST_TICKETS = 4
"""Of a life, but for those that follow others: the fewer there are, the more happens to each."""

MAILERS = ("carl@customer.example", "dora@customer.example")
CONVERSATIONS = ("cnv_1", "cnv_2")
T = TypeVar("T")

PRESET = st.sampled_from(sorted(PRESETS))
OWNER = st.sampled_from(["keep", "queue", "keep_if_available"])
AUTO_CLOSE, MOST = st.sampled_from([None, 48]), st.sampled_from([1, 5])

agents = st.sampled_from(AGENTS)
places = st.integers(0, 50)
"""Which of those that there are, counted round."""

has_tickets = precondition(lambda self: self.lives)


class TicketMachine(RuleBasedStateMachine):
    """One account's life."""

    world: ClassVar[World]

    @initialize(preset=PRESET, owner=OWNER, auto_close=AUTO_CLOSE, most=MOST, here=st.sets(agents))
    def begin(self, preset: str, owner: str, auto_close: int | None, most: int, here: set[str]) -> None:
        """A new account with settings of a choice, and a ticket to begin with."""
        self.company = Company(self.world)
        self.lives: list[Life] = []
        self.threads: dict[str, Life] = {}
        self.received: list[tuple[Any, str | None]] = []
        self.decisions: list[tuple[Life, int, AssignmentDecided]] = []
        self.judged: set[str] = set()
        self.online: set[str] = set()
        self.replies, self.looks = 0, 0
        self.told_before = len(self.world.bus.requests)
        self.run(self.company.found())
        self.set(preset, owner, auto_close, most)
        for agent in sorted(here):
            self.agent_comes_or_goes(agent, is_online=True)
        self.mail_arrives(MAILERS[0])
        self.sms_arrives(PHONES[0])

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """To the end."""
        return self.world.run(coroutine)

    def tick(self) -> datetime:
        """No two commands happen at one moment."""
        self.world.clock.advance(timedelta(seconds=1))
        return self.world.clock.now()

    def life(self, place: int) -> Life:
        """One of those there are."""
        return self.lives[place % len(self.lives)]

    def do(self, agent: str, method: str, life: Life, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and problem code of what an agent did with a ticket."""
        answer = self.run(self.company.do(agent, method, f"/v1/tickets/{life.id}/{path}", body, **headers))
        problem = answer.status_code >= httpx.codes.BAD_REQUEST
        return answer.status_code, answer.json()["code"] if problem else ""

    # Customers

    @precondition(lambda self: len(self.lives) < MOST_TICKETS)
    @rule(sender=st.sampled_from(MAILERS))
    def mail_arrives(self, sender: str) -> None:
        """A mail of a new thread reopens the sender's last ticket with `status_page`, and else opens one (X5)."""
        now = self.tick()
        event = self.company.inbox.mail("A new thread", sender=sender)
        closed = [one for one in self.lives if (one.customer, one.status) == (sender, "closed")]
        last = max(closed, key=lambda one: one.updated_at, default=None)
        reopens = self.preset == "status_page" and last and last.is_reopened_by_customer(self.preset, now)
        if last and reopens and not last.is_braked(self.most, now):
            self.joins(last, event, "reopened", now)
        else:
            self.opens(event, sender, now)

    @has_tickets
    @rule(place=places, by_machine=st.booleans())
    def customer_answers(self, place: int, by_machine: bool) -> None:  # noqa: FBT001 - drawn
        """A message into the thread of any ticket, also of one that was closed or continued long ago (X2, L3)."""
        life = self.life(place)
        if life.channel == "sms":
            self.sms_arrives(life.customer)
        elif life.channel == "web_chat":
            self.chat_arrives(life.customer)
        else:
            machine = "auto_reply" if by_machine else None
            refers = {"references": [life.mail_id], "sender": life.customer, "automatic": machine}
            self.arrives(self.company.inbox.mail("Again", **refers), f"mail/{life.mail_id}")

    @has_tickets
    @rule(place=places, agent=agents, hours=st.sampled_from([70, 74, 600, 700]), by_machine=st.booleans())
    def customer_comes_back(self, place: int, agent: str, hours: int, by_machine: bool) -> None:  # noqa: FBT001 - drawn
        """After an answer and the closing of a ticket, on either side of each preset's window (L3, L4)."""
        self.agent_assigns(place, agent, agent)
        self.agent_replies(place, agent)
        self.agent_closes(place, agent)
        self.time_passes(hours)
        self.customer_answers(place, by_machine)
        self.time_passes(47)

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_sleeps_on_it(self, place: int, agent: str) -> None:
        """What comes back into sight is not closed for what was quiet before (L4)."""
        self.agent_replies(place, agent)
        self.agent_snoozes(place, agent, 24)
        self.time_passes(47)
        self.time_passes(12)

    @has_tickets
    @rule(place=places, agent=agents, by_machine=st.booleans())
    def customer_insists(self, place: int, agent: str, by_machine: bool) -> None:  # noqa: FBT001 - drawn
        """Closed again and again within the hour: the brake holds the loop (L3)."""
        self.agent_assigns(place, agent, agent)
        for _ in range(2):
            self.agent_closes(place, agent)
            self.customer_answers(place, by_machine=False)
        self.agent_reads(place, agent, is_read=True)
        self.customer_answers(place, by_machine)

    @rule(sender=st.sampled_from(PHONES))
    def sms_arrives(self, sender: str) -> None:
        """An SMS joins the one thread of its person (M3)."""
        self.arrives(self.company.inbox.sms("Hello", sender=sender), sender)

    @rule(conversation=st.sampled_from(CONVERSATIONS))
    def chat_arrives(self, conversation: str) -> None:
        """A line of a chat joins its conversation, and opens a ticket that follows it once that is closed (W2)."""
        seq = 1 + sum(event.contact_key == f"vis_{conversation}" for event, _ in self.received)
        given = {"conversation": conversation, "visitor": f"vis_{conversation}", "seq": seq}
        self.arrives(self.company.inbox.chat("Hi", **given), conversation)

    @precondition(lambda self: self.received)
    @rule(place=places, is_same_delivery=st.booleans())
    def message_comes_again(self, place: int, is_same_delivery: bool) -> None:  # noqa: FBT001 - drawn
        """A message that was taken in changes nothing when it comes again (I4)."""
        self.tick()
        event, ticket_id = self.received[place % len(self.received)]
        again = event if is_same_delivery else event.model_copy(update={"id": new_id("dlv")})
        verdict, shown = self.run(self.company.receive(again))

        assert shown == ticket_id
        assert is_same_delivery or verdict == "duplicate"

    # Agents

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_replies(self, place: int, agent: str) -> None:
        """A reply leaves, but for numbers that have not agreed and chats that are over (M5, W2)."""
        now, life = self.tick(), self.life(place)
        answer = self.do(agent, "POST", life, "messages", {"text": "Here."})
        if life.channel == "sms" and life.customer != PHONES[0]:
            assert answer == (409, "no_sms_consent")
        elif life.channel == "web_chat" and life.status == "closed":
            assert answer == (409, "conversation_closed")
        else:
            assert answer == (201, "")
            self.replies += 1
            life.add("Here.", now, frozenset({agent}))
            life.quiet_since = now

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_notes(self, place: int, agent: str) -> None:
        """A note joins the thread and never leaves (N1, W5)."""
        now, life = self.tick(), self.life(place)
        life.add("Between us.", now, frozenset({agent}))

        assert self.do(agent, "POST", life, "notes", {"text": "Between us."}) == (201, "")

    @has_tickets
    @rule(place=places, agent=agents, chosen=st.none() | agents)
    def agent_assigns(self, place: int, agent: str, chosen: str | None) -> None:
        """By hand: to anybody, or to nobody, which holds the ticket (A6, A8)."""
        now, life = self.tick(), self.life(place)
        if (chosen, chosen is None) != (life.assignee, life.held):
            said = "assigned" if chosen else "unassigned"
            life.say(said, now, assignee=chosen, held=chosen is None, epoch=life.epoch + 1)

        assert self.do(agent, "PUT", life, "assignee", {"agent_id": self.company.agent_id(chosen)}) == (200, "")

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_closes(self, place: int, agent: str) -> None:
        """Closing again changes nothing (L1)."""
        now, life = self.tick(), self.life(place)
        if life.status != "closed":
            life.close(now)

        assert self.do(agent, "POST", life, "close") == (200, "")

    @has_tickets
    @rule(place=places, agent=agents)
    def agent_reopens(self, place: int, agent: str) -> None:
        """From closed where the preset lets agents, never a chat (L3); from snoozed always (L2)."""
        now, life = self.tick(), self.life(place)
        answer = self.do(agent, "POST", life, "reopen")
        if life.status == "closed" and (life.channel == "web_chat" or self.preset == "status_page"):
            assert answer == (409, "reopen_forbidden")
            return
        if life.status == "closed":
            life.reopen(now)
        if life.status == "snoozed":
            life.open_again("unsnoozed", now)

        assert answer == (200, "")

    @has_tickets
    @rule(place=places, agent=agents, hours=st.sampled_from([1, 24, 200]))
    def agent_snoozes(self, place: int, agent: str, hours: int) -> None:
        """Out of sight until a moment; what is closed is so already (L2)."""
        now, life = self.tick(), self.life(place)
        until = now + timedelta(hours=hours)
        answer = self.do(agent, "POST", life, "snooze", {"until": until.isoformat()})
        if life.status == "closed":
            assert answer == (409, "ticket_closed")
        else:
            assert answer == (200, "")
            life.say("snoozed", now, status="snoozed", snoozed_until=until, epoch=life.epoch + 1)

    @has_tickets
    @rule(place=places, agent=agents, is_read=st.booleans())
    def agent_reads(self, place: int, agent: str, is_read: bool) -> None:  # noqa: FBT001 - drawn
        """Read and unread are each agent's own (V2)."""
        self.tick()
        life = self.life(place)
        life.readers = life.readers | {agent} if is_read else life.readers - {agent}

        assert self.do(agent, "POST", life, "read" if is_read else "unread") == (200, "")

    @has_tickets
    @rule(place=places, agent=agents, tags=st.lists(st.sampled_from(["vip", "refund"]), unique=True))
    def agent_tags(self, place: int, agent: str, tags: list[str]) -> None:
        """Exactly these tags; the same set again is no change."""
        now, life = self.tick(), self.life(place)
        if set(tags) != set(life.tags):
            life.say("tags_changed", now, tags=tuple(tags))

        assert self.do(agent, "PUT", life, "tags", {"tags": tags}) == (200, "")

    @has_tickets
    @rule(place=places, agent=agents, path=st.sampled_from(["close", "reopen", "messages", "notes"]))
    def agent_acts_on_what_is_past(self, place: int, agent: str, path: str) -> None:
        """Who says which version they saw is refused once it has changed, and nothing happens (L6)."""
        self.tick()
        body = {"text": "Too late"} if path in {"messages", "notes"} else None
        answer = self.do(agent, "POST", self.life(place), path, body, **{"If-Match": "0"})

        assert answer == (412, "stale") or answer[0] == httpx.codes.CONFLICT

    # The router, timers, settings

    @has_tickets
    @rule(place=places, agent=agents, is_prompt=st.booleans())
    def router_decides(self, place: int, agent: str, is_prompt: bool) -> None:  # noqa: FBT001 - drawn
        """A decision is made about a ticket as it is now; it is heard of at once, some time later, or never."""
        life = self.life(place)
        decision = AssignmentDecided(
            id=new_id("dec"),
            account_id=self.company.account_id,
            time=self.tick(),
            ticket_id=life.id,
            assignment_epoch=self.world.bus.of_tickets[life.id][-1].ticket.assignment_epoch,
            agent_id=self.company.agent_id(agent),
            rule="round_robin",
        )
        self.decisions.append((life, life.epoch, decision))
        if is_prompt:
            self.decision_arrives(len(self.decisions) - 1)

    @precondition(lambda self: self.decisions)
    @rule(place=places)
    def decision_arrives(self, place: int) -> None:
        """It is applied if nothing that matters was decided since, else refused and why; once (A2, A6)."""
        now = self.tick()
        life, epoch, decision = self.decisions[place % len(self.decisions)]
        reason = self.objection(life, epoch)
        is_new = decision.id not in self.judged
        self.judged.add(decision.id)
        self.run(self.world.bus.publish([decision]))
        if is_new and reason is None:
            agent = str(decision.agent_id).rpartition("_")[2]
            life.say("assigned", now, assignee=agent)
        elif is_new:
            life.told.append("assignment_refused")
            last = self.world.bus.of_tickets[life.id][-1]
            assert isinstance(last, TicketAssignmentRefused)
            assert (last.decision_id, last.reason) == (decision.id, reason)

    @rule(agent=agents, is_online=st.booleans())
    def agent_comes_or_goes(self, agent: str, is_online: bool) -> None:  # noqa: FBT001 - drawn
        """Who is online keeps what is reopened (L3)."""
        self.tick()
        (self.online.add if is_online else self.online.discard)(agent)
        fields = {"agent_id": self.company.agent_id(agent), "online": is_online, "cause": "agent"}
        self.run(self.company.tell(AgentAvailabilityChanged, **fields))

    @rule(preset=PRESET, owner=OWNER, auto_close=AUTO_CLOSE, most=MOST)
    def set(self, preset: str, owner: str, auto_close: int | None, most: int) -> None:
        """Settings hold at once (design: at most a second)."""
        self.tick()
        self.preset, self.owner, self.auto_close, self.most = preset, owner, auto_close, most
        rules = {channel: {"owner": owner, "max_per_hour": most} for channel in ("email", "sms")}
        patch = {"reopen_preset": preset, "reopen": rules, "auto_close_after_hours": auto_close}
        answer = self.run(self.company.do("ann", "PATCH", "/v1/settings/tickets", patch))

        assert answer.status_code == httpx.codes.OK, answer.text

    @rule(hours=st.sampled_from([1, 12, 49]))
    def time_passes(self, hours: int) -> None:
        """Snoozes end, however late, and then what was quiet too long is closed (L2, L4)."""
        self.world.clock.advance(timedelta(hours=hours))
        now = self.tick()
        self.run(self.world.settle())
        for life in self.lives:
            if life.snoozed_until is not None and life.snoozed_until <= now:
                life.open_again("unsnoozed", now)
            limit = self.auto_close and now - timedelta(hours=self.auto_close)
            if limit and life.status == "open" and life.quiet_since is not None and life.quiet_since <= limit:
                life.close(now)

    # The law

    @invariant()
    def what_an_agent_sees_is_what_the_model_says(self) -> None:
        """Now the one's eyes, now the other's; the views at every third step, and both agents in the end."""
        self.looks += 1
        agent = AGENTS[self.looks % len(AGENTS)]
        self.tickets_are_seen_by(agent)
        if self.looks % 3 == 0:
            self.views_are_seen_by(agent)

    def tickets_are_seen_by(self, agent: str) -> None:
        """Status, unread and all else that an agent is shown (L1, V2)."""
        shown = self.run(self.company.tickets(agent, status="any"))
        seen = {ticket_id: self.seen(ticket) for ticket_id, ticket in shown.items()}

        assert seen == {life.id: life.shown_to(agent) for life in self.lives}

    def views_are_seen_by(self, agent: str) -> None:
        """Each ticket in its views, and the badge (V1, V2)."""
        views = {view: set(self.run(self.company.tickets(agent, view=view))) for view in ("mine", "unassigned", "all")}
        unread = self.run(self.company.get(agent, "/v1/tickets/counts"))["unread"]["count"]
        inboxes = [life for life in self.lives if life.lies_with(agent) or life.lies_with(None)]

        assert views == {
            "mine": {life.id for life in self.lives if life.lies_with(agent)},
            "unassigned": {life.id for life in self.lives if life.lies_with(None)},
            "all": {life.id for life in self.lives if life.status == "open"},
        }
        assert unread == sum(agent not in life.readers for life in inboxes)

    @invariant()
    def events_are_told_once_and_without_a_gap(self) -> None:
        """Each change is one event, numbered on from the one before (L5)."""
        for life in self.lives:
            told = [(event.seq, event.type.split(".")[2]) for event in self.world.bus.of_tickets[life.id]]
            assert told == list(enumerate(life.told, start=1))
        assert len(self.world.bus.requests) - self.told_before == self.replies

    def teardown(self) -> None:
        """The stored history and thread of every ticket are those told, and both agents agree with the model."""
        for agent in AGENTS:
            self.tickets_are_seen_by(agent)
            self.views_are_seen_by(agent)
        for life in self.lives:
            history = self.run(self.company.get("ann", f"/v1/tickets/{life.id}/events"))["items"]
            thread = self.run(self.company.get("ann", f"/v1/tickets/{life.id}/messages"))["items"]
            kept = [(event["seq"], event["type"].split(".")[2]) for event in history]

            assert kept == list(enumerate(life.told, start=1))
            assert [(one["seq"], one["text"]) for one in thread] == list(enumerate(life.texts, start=1))

    # The model's own part

    def arrives(self, event: Any, thread: str) -> None:
        """A message for the ticket that has a thread now, decided by the table (field notes 6.2)."""
        now, life = self.tick(), self.threads.get(thread)
        if life is None:
            self.opens(event, thread, now)
        elif event.automatic is not None:
            self.joins(life, event, "automatic", now)
        elif life.status != "closed":
            self.joins(life, event, "appended", now)
        elif not life.is_reopened_by_customer(self.preset, now):
            self.opens(event, life.customer, now, follows=life, thread=thread)
        else:
            self.joins(life, event, "appended" if life.is_braked(self.most, now) else "reopened", now)

    def opens(
        self, event: Any, customer: str, now: datetime, follows: Life | None = None, thread: str | None = None
    ) -> None:
        """A new ticket with its first message; what it follows gives it all that leads there."""
        mail_id = event.mail.message_id if event.mail else ""
        verdict, ticket_id = self.run(self.company.receive(event))
        life = Life(id=str(ticket_id), channel=event.channel, customer=customer, mail_id=mail_id, told=["created"])
        life.follow_up_of = follows.id if follows else None
        life.add(event.text, now, frozenset())
        self.received.append((event, ticket_id))
        if follows is not None:
            self.threads |= {key: life for key, one in self.threads.items() if one is follows}
        self.threads[f"mail/{mail_id}" if mail_id else thread or customer] = life

        assert verdict == "created"
        assert ticket_id not in {one.id for one in self.lives}
        self.lives.append(life)

    def joins(self, life: Life, event: Any, verdict: str, now: datetime) -> None:
        """A message of a ticket that there is, and what it does to that."""
        if verdict == "reopened":
            life.reopen(now)
            stays = self.owner == "keep" or (self.owner == "keep_if_available" and life.assignee in self.online)
            if life.assignee is not None and not stays:
                life.say("unassigned", now, assignee=None, epoch=life.epoch + 1)
        elif verdict == "appended" and life.status == "snoozed":
            life.open_again("unsnoozed", now)
        by_machine = event.automatic is not None
        life.add(event.text, now, life.readers if by_machine else frozenset())
        life.quiet_since = life.quiet_since if by_machine else None
        self.received.append((event, life.id))

        assert self.run(self.company.receive(event)) == (verdict, life.id)

    def objection(self, life: Life, epoch: int) -> str | None:
        """Why a decision made at an epoch no longer applies."""
        if epoch != life.epoch:
            return "stale_epoch"
        if life.status != "open":
            return "not_open"
        if life.assignee is not None:
            return "already_assigned"
        return "held" if life.held else None

    def seen(self, ticket: dict[str, Any]) -> dict[str, Any]:
        """A ticket of the API in the words of the model."""
        assignee = ticket["assignee"] and ticket["assignee"]["name"]
        asleep = {"is_asleep": ticket["snoozed_until"] is not None}
        return {name: ticket.get(name) for name in Life("", "", "").shown_to("")} | {"assignee": assignee} | asleep


@pytest.mark.laws
def test_any_life_of_tickets_is_as_the_model_says(tmp_path: Path, valkey_url: str, inbox: Any):
    """Whatever happens in whatever order: status, views, unread, events, reopening are the model's (L1-L6, V1-V2)."""
    with a_world(tmp_path, valkey_url, type(inbox)) as world:
        TicketMachine.world = world
        # A life of twenty steps is read faster than a shorter one is searched for.
        lives = settings(max_examples=LIVES, stateful_step_count=STEPS, phases=[Phase.generate])
        run_state_machine_as_test(TicketMachine, settings=lives)

        told = Counter(event.type.split(".")[2] for events in world.bus.of_tickets.values() for event in events)
        assert told >= Counter(closed=1, reopened=1, snoozed=1)
