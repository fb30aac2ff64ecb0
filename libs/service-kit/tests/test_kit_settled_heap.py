"""The collector and what stays."""

import gc

from service_kit.settled_heap import spare_what_stays


def test_what_exists_is_passed_over() -> None:
    """What exists when the process is ready is looked through no more; garbage of later is still found."""
    threshold = gc.get_threshold()
    try:
        spare_what_stays()
        spared = gc.get_freeze_count()
        circle: list[object] = []
        circle.append(circle)
        del circle
        found = gc.collect()
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)

    assert spared > 0
    assert found >= 1
