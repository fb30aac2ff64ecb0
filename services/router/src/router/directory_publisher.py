"""Publishes a directory that is computed from documents, until it says what they say."""

from collections.abc import Awaitable, Callable
from typing import Generic

from service_kit.errors import TransientError
from service_kit.settings_area import SettingsArea
from service_kit.settings_codec import S

_ATTEMPTS = 8


class DirectoryContended(TransientError):
    """The documents behind a directory changed each time it was published."""


class DirectoryPublisher(Generic[S]):
    """Keeps one area equal to what `compute` makes of the documents of an account.

    It looks again after publishing: of two changes at the same moment the slower one, which read the other's
    documents or finds them now, has the last word.
    """

    def __init__(self, area: SettingsArea[S], compute: Callable[[str], Awaitable[S]]) -> None:
        self._area = area
        self._compute = compute

    async def publish(self, account_id: str) -> None:
        """Returns when the directory is on the bus as the documents are."""
        wanted = await self._compute(account_id)
        for _ in range(_ATTEMPTS):
            await self._area.replace(account_id, wanted)
            published, wanted = wanted, await self._compute(account_id)
            if published == wanted:
                return
        raise DirectoryContended(f"directory {self._area.area} of {account_id} is being changed by too many")

    async def prepare(self) -> None:
        """On start: mend what an earlier life left between a document and its directory, and publish everything."""
        for account_id in await self._area.all():
            await self.publish(account_id)
        await self._area.republish()
