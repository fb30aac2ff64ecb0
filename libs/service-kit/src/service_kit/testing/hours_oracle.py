"""What office hours are, found out the slow way: by looking at the clock on the wall in every minute (H2)."""

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

from contracts.schedules import Schedule, Weekday

_MINUTE = timedelta(minutes=1)
_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class HoursOracle:
    """The hours of four days around a change of the clock, by looking at the clock in every minute.

    Knows nothing of offsets or folds: an interval begins at the first minute in which the clock shows its opening
    or later, and ends after the last in which it shows less than its closing. `open` says of each of `minutes`
    whether it is open, `counted` how many before it are.
    """

    def __init__(self, hours: Schedule, middle: date) -> None:
        zone = ZoneInfo(hours.zone)
        self.begin = datetime(middle.year, middle.month, middle.day, tzinfo=UTC) - timedelta(days=2)
        self.minutes = [self.begin + number * _MINUTE for number in range(4 * 24 * 60)]
        self._walls = [minute.astimezone(zone).replace(tzinfo=None) for minute in self.minutes]
        self.open = [False] * len(self.minutes)
        for offset in range(-5, 6):
            day = middle + timedelta(days=offset)
            special = [exception.intervals for exception in hours.exceptions if exception.date == day]
            for opens, closes in special[-1] if special else hours.weekly.get(_WEEKDAYS[day.weekday()], ()):
                self._mark(self._wall(day, opens), self._wall(day, closes), crosses=closes <= opens)
        self.counted = [0, *accumulate(self.open)]

    @staticmethod
    def _wall(day: date, clock: str) -> datetime:
        hour, minute = map(int, clock.split(":"))
        return datetime(day.year, day.month, day.day) + timedelta(hours=hour, minutes=minute)  # noqa: DTZ001 - a wall clock

    def _mark(self, opens: datetime, closes: datetime, *, crosses: bool) -> None:
        closes += timedelta(days=1) if crosses else timedelta(0)
        first = next((i for i, wall in enumerate(self._walls) if wall >= opens), len(self._walls))
        last = max((i for i, wall in enumerate(self._walls) if wall < closes), default=-1)
        for index in range(first, last + 1):
            self.open[index] = True

    def changes(self) -> list[datetime]:
        """Every minute at which open and closed change places."""
        return [
            minute for minute, (was, now) in zip(self.minutes[1:], pairwise(self.open), strict=True) if was is not now
        ]
