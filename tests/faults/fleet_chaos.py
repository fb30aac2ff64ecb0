"""What befalls a fleet at random moments: processes die, stand still and are rolled, engines go away and return."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle, islice
from random import Random

import structlog

from faults.fleet import SIZES, Fleet
from faults.history import History
from faults.replica import Replica

_LOOK_SECONDS = 0.02
_LONGEST_ABSENCE_SECONDS = 2.0
_STANDSTILL_SECONDS = (1.0, 6.0)
_GROWING = ("tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway")
"""Services that go from two processes to three and back: those in which a rebalance moves a customer's message."""
_ROLLED = ("tickets", "router")

log = structlog.get_logger(__name__)

Act = Callable[[], Awaitable[None]]


class FleetChaos:
    """Spreads acts over the traffic of a crowd that sends `messages`; by progress, not by time.

    One act at a time: what promises hold when a majority fails at once is another question.
    """

    def __init__(self, fleet: Fleet, history: History, chance: Random, *, messages: int) -> None:
        self._fleet = fleet
        self._history = history
        self._chance = chance
        self._messages = messages
        self._moments: Sequence[int] = ()
        self._begun = 0
        self._needs_traffic = False

    @property
    def is_late(self) -> bool:
        """Whether something is due that has not begun: a crowd that waits for it has it all in its midst."""
        due = sum(moment <= self._history.acknowledged for moment in self._moments)
        return due > self._begun and not self._needs_traffic

    def kinds(self) -> Sequence[Act]:
        """Every kind of misfortune once: with each service killed and standing still."""
        return [
            *(self.killing(service) for service in SIZES),
            *(self.suspending(service) for service in SIZES),
            *(self.rolling(service) for service in _ROLLED),
            *(self.growing(service) for service in _GROWING),
            self.restart_documents,
            self.restart_valkey,
            self.lose_kafka_node,
        ]

    def acts(self, number: int) -> Sequence[Act]:
        """So many acts; no kind comes again before all others had their turn."""
        kinds = list(self.kinds())
        self._chance.shuffle(kinds)
        return list(islice(cycle(kinds), number))

    async def rage(self, acts: Sequence[Act]) -> None:
        """Let all acts happen, in any order; in the end every process is ready."""
        shuffled = list(acts)
        self._chance.shuffle(shuffled)
        self._moments = sorted(self._chance.sample(range(self._messages // 50, self._messages * 4 // 5), len(acts)))
        for moment, act in zip(self._moments, shuffled, strict=True):
            await self._until_acknowledged(moment)
            self._begun += 1
            await act()
        await self._fleet.until_ready()

    async def kill(self, replica: Replica) -> None:
        """`kill -9`; back after a moment."""
        log.info("fault", act="kill", replica=replica.name)
        await replica.kill()
        await asyncio.sleep(self._chance.random() * _LONGEST_ABSENCE_SECONDS)
        replica.start()

    async def suspend(self, replica: Replica) -> None:
        """A process stands still, perhaps long enough to be taken for dead, and goes on where it was."""
        seconds = self._chance.uniform(*_STANDSTILL_SECONDS)
        log.info("fault", act="suspend", replica=replica.name, seconds=round(seconds, 1))
        replica.signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        replica.signal(signal.SIGCONT)

    async def roll(self, service: str) -> None:
        """Replace one process of a service after the other, in good order; nobody rolls what is still starting."""
        log.info("fault", act="roll", service=service)
        await self._fleet.until_ready()
        for replica in [one for one in self._fleet.replicas[service] if one.is_alive]:
            await self._stop(replica)
            replica.start()
            await replica.until_ready()

    async def scale_out_and_in(self, service: str) -> None:
        """One more process of a service joins, works, and leaves."""
        reserve = self._fleet.reserve_of(service)
        log.info("fault", act="scale", replica=reserve.name)
        reserve.start()
        await reserve.until_ready()
        self._needs_traffic = True
        await self._until_acknowledged(min(self._messages, self._history.acknowledged + self._messages // 40))
        self._needs_traffic = False
        await self._stop(reserve)

    async def _stop(self, replica: Replica) -> None:
        assert await replica.stop() == 0, f"{replica.name} did not stop in order: {replica.log[-2000:]}"

    async def restart_documents(self) -> None:
        """The document store dies and comes back."""
        log.info("fault", act="restart", engine="documents")
        await self._restart(self._fleet.engines.documents.kill, self._fleet.engines.documents.start)

    async def restart_valkey(self) -> None:
        """Valkey dies and comes back."""
        log.info("fault", act="restart", engine="valkey")
        await self._restart(self._fleet.engines.valkey.kill, self._fleet.engines.valkey.start)

    async def lose_kafka_node(self) -> None:
        """A Kafka broker dies and comes back."""
        kafka, number = self._fleet.engines.kafka, self._chance.randrange(self._fleet.engines.kafka_nodes)
        log.info("fault", act="restart", engine=f"kafka {number}")
        await self._restart(lambda: kafka.kill_node(number), lambda: kafka.start_node(number))

    async def _restart(self, kill: Callable[[], None], start: Callable[[], None]) -> None:
        await asyncio.to_thread(kill)
        await asyncio.sleep(self._chance.random() * _LONGEST_ABSENCE_SECONDS)
        await asyncio.to_thread(start)

    def killing(self, service: str) -> Act:
        """The act of killing any process of a service."""
        return lambda: self.kill(self._any_of(service))

    def suspending(self, service: str) -> Act:
        """The act of letting any process of a service stand still."""
        return lambda: self.suspend(self._any_of(service))

    def rolling(self, service: str) -> Act:
        """The act of replacing all processes of a service."""
        return lambda: self.roll(service)

    def growing(self, service: str) -> Act:
        """The act of adding a process to a service for a while."""
        return lambda: self.scale_out_and_in(service)

    def _any_of(self, service: str) -> Replica:
        return self._chance.choice([one for one in self._fleet.replicas[service] if one.is_alive])

    async def _until_acknowledged(self, messages: int) -> None:
        while self._history.acknowledged < messages:  # noqa: ASYNC110 - the history is plain data, and knows no events
            await asyncio.sleep(_LOOK_SECONDS)
