from typing import Any

from contracts.presence import AgentAvailabilityChanged
from contracts.routing import AssignmentDecided
from contracts.settings import AssignmentSettings
from contracts.tickets import TicketAssigned, TicketAssignmentRefused, TicketCreated, TicketReopened, TicketUnassigned
from service_kit.testing.eventually import eventually
from tickets.people.agent_presence import PRESENCE


def _decision(ticket: Any, number: int = 1, **given: Any) -> AssignmentDecided:
    fields = {
        "id": f"dec_{number}",
        "account_id": "acc_1",
        "time": ticket.created_at,
        "ticket_id": ticket.id,
        "assignment_epoch": ticket.assignment_epoch,
        "agent_id": "agt_1",
        "rule": "round_robin",
    }
    return AssignmentDecided.model_validate({**fields, **given})


async def _created(bench: Any) -> Any:
    """The facts of a new ticket."""
    [entry] = await bench.receive(bench.inbox.mail())
    [created] = await bench.hear(TicketCreated, ticket_id=entry.ticket_id)
    return created.ticket


async def test_a_decision_is_applied_once(bench: Any):
    """A decision assigns its ticket and says so; coming again it changes and says nothing (A6)."""
    ticket = await _created(bench)
    decision = _decision(ticket, team_id="tea_1")
    await bench.platform.bus.publish([decision, decision])
    await bench.platform.bus.publish([decision])
    [assigned] = await bench.hear(TicketAssigned)
    await bench.platform.bus.publish([_decision(ticket, 2)])
    await bench.hear(TicketAssignmentRefused)
    shown = await bench.get(f"/v1/tickets/{ticket.id}")

    assert (assigned.decision_id, assigned.cause, assigned.actor.kind) == ("dec_1", "auto_assignment", "system")
    assert (shown["assignee"]["id"], shown["team"]["id"]) == ("agt_1", "tea_1")
    assert len(bench.heard(TicketAssigned)) == 1


async def test_a_person_wins(bench: Any):
    """A decision made before somebody was chosen by hand is refused, and named, so that the turn goes back (A2, A6)."""
    ticket = await _created(bench)
    await bench.do("PUT", f"/v1/tickets/{ticket.id}/assignee", {"agent_id": "agt_2"})
    await bench.platform.bus.publish([_decision(ticket)])
    [refused] = await bench.hear(TicketAssignmentRefused)
    shown = await bench.get(f"/v1/tickets/{ticket.id}")

    assert (refused.decision_id, refused.agent_id, refused.reason) == ("dec_1", "agt_1", "stale_epoch")
    assert shown["assignee"]["id"] == "agt_2"


async def test_a_chatty_customer_does_not_refuse(bench: Any):
    """More messages change the version and not the epoch: the decision still applies (A6)."""
    [entry] = await bench.receive(bench.inbox.sms("one"))
    [created] = await bench.hear(TicketCreated)
    await bench.receive(bench.inbox.sms("two"), bench.inbox.sms("three"))
    await bench.platform.bus.publish([_decision(created.ticket)])
    [assigned] = await bench.hear(TicketAssigned)

    assert (assigned.ticket_id, assigned.ticket.assignee_id) == (entry.ticket_id, "agt_1")


async def test_a_team_without_an_agent(bench: Any):
    """A decision for a team only puts the ticket into its queue; one for an agent may follow in the same epoch (A1)."""
    ticket = await _created(bench)
    await bench.platform.bus.publish([_decision(ticket, 1, agent_id=None, team_id="tea_1"), _decision(ticket, 2)])
    queued, assigned = await bench.hear(TicketAssigned, count=2)

    assert (queued.ticket.assignee_id, queued.ticket.team_id) == (None, "tea_1")
    assert (assigned.ticket.assignee_id, assigned.ticket.team_id) == ("agt_1", "tea_1")


async def test_what_is_refused(bench: Any):
    """An agent who is not there, a ticket that is closed or held: each refusal says why (A6)."""
    ticket = await _created(bench)
    await bench.platform.bus.publish([_decision(ticket, 1, agent_id="agt_9")])
    await bench.hear(TicketAssignmentRefused, count=1)
    await bench.do("PUT", f"/v1/tickets/{ticket.id}/assignee", {"agent_id": None})
    [unassigned] = await bench.hear(TicketUnassigned)
    await bench.platform.bus.publish([_decision(unassigned.ticket, 2)])
    await bench.hear(TicketAssignmentRefused, count=2)
    await bench.do("POST", f"/v1/tickets/{ticket.id}/close")
    epoch = unassigned.ticket.assignment_epoch + 1
    await bench.platform.bus.publish([_decision(unassigned.ticket, 3, assignment_epoch=epoch)])
    refused = await bench.hear(TicketAssignmentRefused, count=3)

    assert [event.reason for event in refused] == ["unknown_agent", "held", "not_open"]


async def test_decisions_about_nothing_are_ignored(bench: Any):
    """A decision about a ticket that is not there does not hold up the others."""
    ticket = await _created(bench)
    await bench.platform.bus.publish([_decision(ticket, 1, ticket_id="tic_gone"), _decision(ticket, 2)])
    [assigned] = await bench.hear(TicketAssigned)

    assert assigned.decision_id == "dec_2"


async def _close_and_write_again(bench: Any) -> dict[str, Any]:
    """A ticket of Ann's that its customer reopens."""
    [entry] = await bench.receive(bench.inbox.sms("Hi"))
    await bench.do("PUT", f"/v1/tickets/{entry.ticket_id}/assignee", {"agent_id": "agt_1"})
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/close")
    await bench.receive(bench.inbox.sms("Again"))
    await bench.hear(TicketReopened)
    return dict(await bench.get(f"/v1/tickets/{entry.ticket_id}"))


async def test_an_owner_who_is_away_loses_a_reopened_ticket(bench: Any):
    """A reopened ticket goes back to the queue if its assignee is not online (L3)."""
    ticket = await _close_and_write_again(bench)
    [released] = await bench.hear(TicketUnassigned)

    assert ticket["assignee"] is None
    assert (released.cause, released.previous_assignee_id, released.ticket.held) == (
        "owner_unavailable",
        "agt_1",
        False,
    )


async def test_an_owner_who_is_online_keeps_a_reopened_ticket(bench: Any):
    """A reopened ticket stays with its assignee if they are online (L3)."""
    online = AgentAvailabilityChanged(
        id="evt_1", account_id="acc_1", time=bench.clock.now(), agent_id="agt_1", online=True, cause="agent"
    )
    await bench.platform.bus.publish([online])
    await eventually(lambda: bench.platform.store.collection(PRESENCE).get("agt_1"))
    ticket = await _close_and_write_again(bench)

    assert ticket["assignee"]["id"] == "agt_1"


async def test_without_rotation_everybody_counts_as_available(bench: Any):
    """Where round robin is off nobody is ever online, and a reopened ticket stays with its assignee (L3, A3)."""
    await bench.set("assignment", AssignmentSettings(round_robin=False))
    ticket = await _close_and_write_again(bench)

    assert ticket["assignee"]["id"] == "agt_1"
