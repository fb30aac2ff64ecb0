"""Writing to streams, each call as a whole."""

from collections.abc import Sequence
from typing import Any

from service_kit.bus.port import BusUnavailable
from service_kit.bus.record import Addressed
from service_kit.bus.valkey.connection import FAILURES
from service_kit.bus.valkey.shared_wire import SharedWire
from service_kit.bus.valkey.streams import fields_of
from service_kit.bus.valkey.wire import Command


class StreamWriter:
    """Appends records in the order of the calls. A call is stored whole or, if the server dies, perhaps not at all."""

    def __init__(self, wire: SharedWire) -> None:
        self._wire = wire

    async def write(self, entries: Sequence[Addressed]) -> None:
        """Append; returns when the server has confirmed every record.

        Raises:
            BusUnavailable: it has not; none or all may be stored.
        """
        # One transaction: if a single XADD could fail alone, a record would be stored after a gap, and consumers
        # that drop what they have seen by its number would drop the missing one when it is published again.
        commands = [("MULTI",), *map(_append, entries), ("EXEC",)]
        try:
            answers = await self._wire.ask(*commands, size=sum(entry.record.size for entry in entries))
            _raise_refusal([*answers, *_brought(answers[-1])])
        except FAILURES as error:
            raise BusUnavailable(f"Valkey did not confirm: {type(error).__name__}: {error}") from error


def _append(entry: Addressed) -> Command:
    return ("XADD", entry.topic, "*", *(part for field in fields_of(entry.record).items() for part in field))


def _brought(answer: object) -> Sequence[Any]:
    """What EXEC brought: the answer to each command of the transaction."""
    return answer if isinstance(answer, list) else ()


def _raise_refusal(answers: Sequence[Any]) -> None:
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
