from typing import Any

from contracts.contacts import ContactChanged
from service_kit.testing.eventually import eventually


async def _merged(world: Any, contact_id: str, version: int, into: str) -> None:
    """Tickets tells that a contact is another one from now on."""
    event = ContactChanged(
        id=f"evt_{contact_id}_{version}",
        account_id="acc",
        time=world.clock.now(),
        contact_id=contact_id,
        version=version,
        merged_into=into,
    )
    await world.tell(event)


async def _gold_team(world: Any) -> str:
    """Without round robin, bob answers who is in the segment gold."""
    await world.account("acc", "ann", "bob")
    team = {"name": "Gold", "member_ids": ["acc-bob"], "segments": ["gold"]}
    gold = await world.made("POST", "/v1/teams", "acc", json=team)
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"round_robin": False})
    return str(gold["id"])


async def _waits(world: Any, ticket_id: str) -> bool:
    return ticket_id in await world.queue()


async def test_a_merge_moves_a_waiting_ticket(world: Any) -> None:
    """The contact of a waiting ticket becomes one with another, whose segments route it from then on (A1)."""
    gold = await _gold_team(world)
    await world.contact("con-survivor", 1, "gold")
    await world.contact("con-t1", 1)
    await world.create("t1")
    await eventually(lambda: _waits(world, "t1"))
    await _merged(world, "con-t1", 2, into="con-survivor")
    await eventually(lambda: world.chosen() == [("t1", "bob")])

    assert world.decisions[-1].team_id == gold


async def test_a_contact_first_heard_of_as_merged_moves_a_waiting_ticket(world: Any) -> None:
    """Topics have no order among each other: the ticket may wait before anything is known of its contact (A1)."""
    await _gold_team(world)
    await world.contact("con-survivor", 1, "gold")
    await world.create("t1")
    await eventually(lambda: _waits(world, "t1"))
    await _merged(world, "con-t1", 2, into="con-survivor")
    await eventually(lambda: world.chosen() == [("t1", "bob")])

    assert world.decisions[-1].rule == "team_member"


async def test_segments_are_followed_over_several_merges(world: Any) -> None:
    """A ticket whose contact went into one that went into another is routed by the last, also created later (A1)."""
    await _gold_team(world)
    await world.contact("con-survivor", 1, "gold")
    await _merged(world, "con-middle", 2, into="con-survivor")
    await _merged(world, "con-t1", 2, into="con-middle")
    await world.create("t1")
    await eventually(lambda: world.chosen() == [("t1", "bob")])

    assert world.decisions[-1].rule == "team_member"


async def test_copies_that_point_at_each_other_route_all_the_same(world: Any) -> None:
    """In the middle of a merge that is turned round two copies may disagree: the ticket waits, nothing hangs (A1)."""
    await _gold_team(world)
    await _merged(world, "con-t1", 2, into="con-other")
    await _merged(world, "con-other", 2, into="con-t1")
    await world.create("t1")
    await eventually(lambda: _waits(world, "t1"))
    await world.contact("con-t1", 3, "gold")
    await eventually(lambda: world.chosen() == [("t1", "bob")])

    assert world.decisions[-1].rule == "team_member"
