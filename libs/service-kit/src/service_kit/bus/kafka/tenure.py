"""How long a member of a group may call its partitions its own."""

from service_kit.stop_signal import StopSignal


class Tenure:
    """From being given partitions until they must be given back; then the next one begins.

    A batch belongs to the tenure it was taken in. When that ends, no attempt of the batch waits any more: the group
    stands still until every member has let go.
    """

    def __init__(self) -> None:
        self._current = StopSignal()
        self._of_batch = self._current
        self._is_closed = False

    @property
    def is_stale(self) -> bool:
        """Whether another tenure has begun since the batch was taken: its records will be delivered again."""
        return self._of_batch is not self._current

    def begin(self) -> None:
        """Partitions were assigned."""
        if not self._is_closed:
            self._current = StopSignal()

    def end(self) -> None:
        """Partitions must be given back; every pause ends."""
        self._current.set()

    def close(self) -> None:
        """End for good: the bus is stopping."""
        self._is_closed = True
        self.end()

    def take_batch(self) -> None:
        """The next batch belongs to the present tenure."""
        self._of_batch = self._current

    async def pause(self, seconds: float) -> bool:
        """Wait so long; False when the batch's tenure ends meanwhile."""
        return await self._of_batch.pause(seconds)
