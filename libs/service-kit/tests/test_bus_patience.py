import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_kit.bus import Subscription
from service_kit.bus.patience import Patience
from service_kit.testing.bus_harness import Recorder, new_topic


@settings(deadline=None)
@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_delays_are_bounded(attempt: int, jitter: float) -> None:
    """A delay is never zero (a hot retry) and never over the longest."""
    patience = Patience(first_seconds=0.1, longest_seconds=5.0)

    assert 0.05 <= patience.delay(attempt, jitter) <= 5.0


def test_default_attempts_fit_the_grace() -> None:
    """All delays of the default attempts together are less than the 15 seconds that stopping grants."""
    attempts = Subscription(new_topic(), "router", Recorder()).max_attempts
    total = sum(Patience().delay(attempt, 0.999) for attempt in range(1, attempts))

    assert total < 15


@pytest.mark.parametrize(("first", "longest", "restart"), [(0, 1, 1), (2, 1, 1), (1, 2, 0)])
def test_nonsense_is_refused(first: float, longest: float, restart: float) -> None:
    """Delays that would spin or never end are refused."""
    with pytest.raises(ValueError, match="positive"):
        Patience(first, longest, restart)
