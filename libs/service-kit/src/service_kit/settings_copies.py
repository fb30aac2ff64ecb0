"""The reader's side of settings: copies of what their owners published, at most a second old.

A service that has no copy yet waits for it and never guesses.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from contracts.envelope import Event
from contracts.settings import Area, SettingsChanged
from contracts.topic import ServiceName
from contracts.topics import SETTINGS_EVENTS
from service_kit.bus import Subscription
from service_kit.docstore import Collection, CollectionSpec, Document, Eq, Fate, Index
from service_kit.errors import TransientError
from service_kit.platform import Platform
from service_kit.settings_codec import SettingsCodec

S = TypeVar("S", bound=BaseModel)

_FRESH_SECONDS = 1.0
_FIRST_COPY_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.1
_ATTEMPTS = 8
_PAGE = 200


class SettingsMissing(TransientError):
    """No copy has arrived yet: the account is unknown here, or its owner has not published."""


class SettingsCopiesContended(TransientError):
    """Other replicas kept writing the same copies in between."""


class SettingsCopy(Document):
    """The newest version known here of one area of one account. `value` is sealed JSON."""

    account_id: str
    area: Area
    version: int
    value: str


SETTINGS_COPIES = CollectionSpec(name="settings_copies", model=SettingsCopy, indexes=(Index(fields=("area",)),))


@dataclass(slots=True)
class _Cached:
    """A copy in memory, and what it has been read as."""

    copy: SettingsCopy
    until: float
    opened: dict[type[BaseModel], BaseModel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Listing:
    """Everybody's settings of one area, as they were read."""

    settings: Mapping[str, BaseModel]
    until: float


def copy_id(account_id: str, area: Area) -> str:
    """The id of the copy of one area of one account."""
    return f"{account_id}/{area}"


def newest(events: Iterable[SettingsChanged]) -> dict[str, SettingsCopy]:
    """Of each account and area the highest version, by copy id."""
    copies: dict[str, SettingsCopy] = {}
    for event in events:
        key = copy_id(event.account_id, event.area)
        if key not in copies or copies[key].version < event.version:
            value = json.dumps(event.value, ensure_ascii=False)
            copies[key] = SettingsCopy(
                id=key, account_id=event.account_id, area=event.area, version=event.version, value=value
            )
    return copies


class SettingsCopies:
    """The copies of the areas one service reads, kept by its own subscription."""

    def __init__(
        self,
        platform: Platform,
        group: ServiceName,
        *,
        areas: Sequence[Area],
        on_account: Sequence[Callable[[str], Awaitable[None]]] = (),
        on_change: Sequence[Callable[[Sequence[SettingsChanged]], Awaitable[None]]] = (),
    ) -> None:
        if on_account and "account" not in areas:
            raise ValueError("on_account needs the area `account`")
        self._areas = frozenset(areas)
        self._on_account = tuple(on_account)
        self._on_change = tuple(on_change)
        self._secrets = platform.secrets
        self._copies: Collection[SettingsCopy] = platform.store.collection(SETTINGS_COPIES)
        self._cache: dict[str, _Cached] = {}
        self._listings: dict[tuple[Area, type[BaseModel]], _Listing] = {}
        self._codecs: dict[type[BaseModel], SettingsCodec[Any]] = {}
        self._arrived = asyncio.Condition()
        platform.bus.subscribe(Subscription(SETTINGS_EVENTS, group=group, handle=self.keep, only=(SettingsChanged,)))

    async def get(self, account_id: str, area: Area, shape: type[S], *, fresh: bool = False) -> S:
        """One account's settings, secrets readable; `fresh`: as stored now, also by another replica just before.

        Raises:
            SettingsMissing: no copy arrived within two seconds.
        """
        self._require(area)
        deadline = _now() + _FIRST_COPY_SECONDS
        while True:
            cached = await self._fresh(account_id, area, at_once=fresh)
            if cached is not None:
                return self._opened(cached, shape)
            if _now() >= deadline:
                raise SettingsMissing(f"there is no copy yet of settings {area} of {account_id}")
            await self._arrival()

    async def all(self, area: Area, shape: type[S]) -> Mapping[str, S]:
        """Everybody's settings by account id; whose copy has not arrived yet is not in it."""
        self._require(area)
        listing = self._listings.get((area, shape))
        if listing is None or listing.until <= _now():
            until = _now() + _FRESH_SECONDS
            copies = await self._load_all(area)
            settings = {copy.account_id: self._opened(self._remember(copy, until), shape) for copy in copies}
            listing = self._listings[area, shape] = _Listing(settings, until)
        return cast("Mapping[str, S]", listing.settings)

    async def keep(self, events: Sequence[Event]) -> None:
        """Take what owners published; the subscription's handler. A version that is not higher changes nothing.

        `on_change` is then told of every change, of any area, at least once.
        """
        changes = [event for event in events if isinstance(event, SettingsChanged) and event.area in self._areas]
        await self._store(newest(changes))
        for account_id in dict.fromkeys(event.account_id for event in changes if event.area == "account"):
            for react in self._on_account:
                await react(account_id)
        every_change = [event for event in events if isinstance(event, SettingsChanged)]
        for follow in self._on_change:
            await follow(every_change)

    async def _store(self, wanted: Mapping[str, SettingsCopy]) -> None:
        pending = dict(wanted)
        for _ in range(_ATTEMPTS):
            stored = await self._copies.get_many(pending)
            pending = {
                key: copy for key, copy in pending.items() if key not in stored or stored[key].version < copy.version
            }
            if not pending:
                break
            settled = await self._write(pending, stored)
            await self._announce([pending[key] for key in settled])
            pending = {key: copy for key, copy in pending.items() if key not in settled}
        if pending:
            raise SettingsCopiesContended("copies of settings are being written by too many")

    async def _write(self, wanted: Mapping[str, SettingsCopy], stored: Mapping[str, SettingsCopy]) -> frozenset[str]:
        """Insert and replace; the ids of those that are settled."""
        fresh = [copy for key, copy in wanted.items() if key not in stored]
        risen = [copy.model_copy(update={"rev": stored[key].rev}) for key, copy in wanted.items() if key in stored]
        fates = [
            *(await self._copies.insert_many(fresh) if fresh else ()),
            *(await self._copies.replace_many(risen) if risen else ()),
        ]
        return frozenset(copy.id for copy, fate in zip((*fresh, *risen), fates, strict=True) if fate is Fate.DONE)

    async def _announce(self, copies: Iterable[SettingsCopy]) -> None:
        async with self._arrived:
            for copy in copies:
                self._remember(copy, _now() + _FRESH_SECONDS)
                for key in [key for key in self._listings if key[0] == copy.area]:
                    del self._listings[key]
            self._arrived.notify_all()

    async def _arrival(self) -> None:
        """Until this replica's subscription took something, or it is time to look what another one stored."""
        try:
            async with asyncio.timeout(_LOOK_AGAIN_SECONDS), self._arrived:
                await self._arrived.wait()
        except TimeoutError:
            return

    async def _fresh(self, account_id: str, area: Area, *, at_once: bool = False) -> _Cached | None:
        """The copy, read again if it may be out of date; what else of the account may be is read with it."""
        key, now = copy_id(account_id, area), _now()
        cached = self._cache.get(key)
        if cached is not None and cached.until > now and not at_once:
            return cached
        known = ((one, self._cache.get(one)) for one in (copy_id(account_id, area) for area in self._areas))
        stale = {one for one, other in known if other is not None and other.until <= now}
        until = now + _FRESH_SECONDS
        found = {copy.id: self._remember(copy, until) for copy in (await self._copies.get_many({key, *stale})).values()}
        return found.get(key)

    def _remember(self, copy: SettingsCopy, until: float) -> _Cached:
        """Cache the copy, unless what is cached is of a higher version (a read that a newer event overtook)."""
        cached = self._cache.get(copy.id)
        if cached is None or cached.copy.version < copy.version:
            cached = self._cache[copy.id] = _Cached(copy, until)
        cached.until = max(cached.until, until)
        return cached

    def _opened(self, cached: _Cached, shape: type[S]) -> S:
        if shape not in cached.opened:
            if shape not in self._codecs:
                self._codecs[shape] = SettingsCodec(shape, self._secrets)
            cached.opened[shape] = self._codecs[shape].open_text(cached.copy.value)
        return cast("S", cached.opened[shape])

    async def _load_all(self, area: Area) -> Sequence[SettingsCopy]:
        copies: list[SettingsCopy] = []
        cursor: str | None = None
        while True:
            page = await self._copies.find(Eq("area", area), limit=_PAGE, cursor=cursor)
            copies.extend(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return copies

    def _require(self, area: Area) -> None:
        if area not in self._areas:
            raise ValueError(f"this service keeps no copies of settings {area}")


def _now() -> float:
    """The event loop's own measure: durations only, never a moment."""
    return asyncio.get_running_loop().time()
