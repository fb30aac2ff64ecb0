"""How many mails to one domain are handed over at once: a slow domain leaves connections for all others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class DomainPlaces:
    """So many places for each domain; a domain that nobody writes to is forgotten."""

    def __init__(self, per_domain: int) -> None:
        if per_domain < 1:
            raise ValueError("a domain needs at least one place")
        self._per_domain = per_domain
        self._places: dict[str, asyncio.Semaphore] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def place_for(self, address: str) -> AsyncIterator[None]:
        """Wait for a place of the address' domain, and hold it."""
        domain = address.rpartition("@")[2].lower()
        places = self._places.setdefault(domain, asyncio.Semaphore(self._per_domain))
        self._users[domain] = self._users.get(domain, 0) + 1
        try:
            async with places:
                yield
        finally:
            self._users[domain] -= 1
            if not self._users[domain]:
                del self._users[domain], self._places[domain]
