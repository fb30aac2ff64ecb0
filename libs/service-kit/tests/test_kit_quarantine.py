"""What is noted of a delivery that was set aside, in whatever order its replay's news arrive (I6, M2)."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from service_kit.docstore import CollectionSpec, Index
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.planning import require_index
from service_kit.quarantine import QuarantineQuery, SetAside, as_replayed, as_returned, replay_id

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEPT = SetAside(id="qtn_1", account_id="acc_1", source="192.0.2.1", received_at=NOON - timedelta(days=1))


def test_a_replay_that_went_through_is_marked() -> None:
    """What went on its way waits no more, and its next replay is another delivery."""
    replayed = as_replayed(KEPT, 1, NOON)

    assert (replayed.replays, replayed.replayed_at) == (1, NOON)
    assert replay_id(replayed, 1) != replay_id(replayed, 2)
    assert as_replayed(replayed, 1, NOON + timedelta(hours=1)) == replayed


@pytest.mark.parametrize("order", list(permutations(("noted", "returned"))), ids="-".join)
def test_what_comes_back_waits_again(order: tuple[str, str]) -> None:
    """A replay that ends in quarantine again waits, though that may be known before the replay is noted."""
    kept = KEPT
    for news in order:
        kept = as_replayed(kept, 1, NOON) if news == "noted" else as_returned(kept, replay_id(KEPT, 1))

    assert (kept.replays, kept.returned, kept.replayed_at) == (1, 1, None)


def test_other_deliveries_are_no_return() -> None:
    """The same bytes sent once more, and the return of an earlier replay, say nothing of the last one."""
    twice = as_replayed(as_returned(as_replayed(KEPT, 1, NOON), replay_id(KEPT, 1)), 2, NOON)

    assert as_returned(twice, "dlv_other") == twice
    assert as_returned(twice, replay_id(KEPT, 1)) == twice


@pytest.mark.parametrize("account_id", [None, "acc_1"])
@pytest.mark.parametrize("replayed", [False, True])
def test_lists_are_led_by_an_index(account_id: str | None, *, replayed: bool) -> None:
    """What operators may ask for is led by indexes on time, with and without an account."""
    indexes = (Index(("account_id", "source", "replayed_at")), Index(("received_at",)))
    spec = CollectionSpec(name="kept", model=SetAside, indexes=indexes)

    require_index(IndexedFields(spec), QuarantineQuery(NOON, account_id, replayed).where)
