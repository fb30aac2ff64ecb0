"""What a service is to whoever runs it: an HTTP application, doors, and workers, in that order of stopping."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi import FastAPI


class Part(Protocol):
    """Something that runs for as long as its service does."""

    async def start(self) -> None:
        """Begin; returns when it works."""

    async def stop(self) -> None:
        """Finish what is in flight and end."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service, assembled. Its subscriptions are declared on its bus already.

    `prefixes` are the paths its `api` answers on the one origin; a segment in braces stands for any, and the longest
    match wins. `doors` take work in and are
    the last to open and the first to close; `workers` (outbox relays, timers) go on until the bus is empty.
    `prepare` runs once the store and the bus are up and before any door opens: republish, rebuild projections.
    """

    name: str
    api: FastAPI
    prefixes: tuple[str, ...]
    prepare: Sequence[Callable[[], Awaitable[None]]] = ()
    doors: Sequence[Part] = ()
    workers: Sequence[Part] = ()
