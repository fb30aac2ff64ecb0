"""The router takes a ticket back from an assignee who did not answer (A7)."""

from typing import Any

from contracts.routing import AssignmentDecided
from contracts.tickets import TicketAssigned, TicketAssignmentRefused, TicketCreated, TicketUnassigned


async def _assigned(bench: Any) -> TicketAssigned:
    """A ticket that the router gave to an agent."""
    [entry] = await bench.receive(bench.inbox.mail())
    [created] = await bench.hear(TicketCreated, ticket_id=entry.ticket_id)
    decided = AssignmentDecided(
        id="dec_1",
        account_id="acc_1",
        time=created.time,
        ticket_id=created.ticket_id,
        assignment_epoch=created.ticket.assignment_epoch,
        agent_id="agt_1",
        rule="round_robin",
    )
    await bench.platform.bus.publish([decided])
    [assigned] = await bench.hear(TicketAssigned)
    event: TicketAssigned = assigned
    return event


def _taken_back(assigned: TicketAssigned, number: int, **given: Any) -> AssignmentDecided:
    fields = {
        "id": f"dec_{number}",
        "account_id": "acc_1",
        "time": assigned.time,
        "ticket_id": assigned.ticket_id,
        "assignment_epoch": assigned.ticket.assignment_epoch,
        "rule": "not_answered",
        "returned_from": "agt_1",
        "as_of_seq": assigned.seq,
    }
    return AssignmentDecided.model_validate(fields | given)


async def test_it_is_back_in_the_queue_once(bench: Any):
    """Without assignee, not held, in a new epoch; the same decision again changes nothing (A6, A7)."""
    assigned = await _assigned(bench)
    decision = _taken_back(assigned, 2)

    await bench.platform.bus.publish([decision, decision])
    [unassigned] = await bench.hear(TicketUnassigned)
    await bench.platform.bus.publish([decision, _taken_back(assigned, 3)])
    [refused] = await bench.hear(TicketAssignmentRefused)

    assert (unassigned.cause, unassigned.previous_assignee_id) == ("not_answered", "agt_1")
    assert (unassigned.ticket.assignee_id, unassigned.ticket.held) == (None, False)
    assert unassigned.ticket.assignment_epoch == assigned.ticket.assignment_epoch + 1
    assert (refused.decision_id, refused.reason) == ("dec_3", "stale_epoch")


async def test_it_stays_where_anything_happened_since(bench: Any):
    """A decision made without knowing the newest event is refused, as is one about another assignee (A6)."""
    assigned = await _assigned(bench)

    await bench.platform.bus.publish(
        [_taken_back(assigned, 2, as_of_seq=assigned.seq - 1), _taken_back(assigned, 3, returned_from="agt_2")]
    )
    outdated, wrong = await bench.hear(TicketAssignmentRefused, count=2)
    shown = await bench.get(f"/v1/tickets/{assigned.ticket_id}")

    assert (outdated.decision_id, outdated.reason) == ("dec_2", "stale_epoch")
    assert wrong.decision_id == "dec_3"
    assert shown["assignee"]["id"] == "agt_1"
