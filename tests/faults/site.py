"""What a test needs of a system, whichever way it is composed: its doors, and how to see that it has come to rest."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class BusView(Protocol):
    """The bus of a running system, read beside its services and without consuming anything."""

    async def waiting(self) -> Mapping[str, int]:
        """How many records each reader has not finished yet; those that have finished all are left out."""

    async def dead_letters(self) -> Mapping[str, int]:
        """How many records were set aside, by topic."""

    async def ticket_events(self) -> list[tuple[str, int]]:
        """Ticket and number of every record of `ticket-events-v1`, each ticket's in their order."""


class Site(Protocol):
    """A system at its addresses."""

    base_url: str

    @property
    def smtp_port(self) -> int:
        """Where it takes mail in."""

    @property
    def owner(self) -> dict[str, Any]:
        """The first account's owner."""

    def bus_view(self) -> AbstractAsyncContextManager[BusView]:
        """Its bus."""

    async def unfinished(self) -> Mapping[str, int]:
        """What its stores say is not finished: unpublished events, tickets nobody was given, what is due to leave."""
