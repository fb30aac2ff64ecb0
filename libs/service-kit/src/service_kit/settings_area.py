"""The owner's side of a settings area: stores it whole, and publishes it whole after every write.

The stored document is its own outbox: what is stored but not known to be published is published again by the next
write, by `ensure` and on start. Versions rise with each change and readers keep the highest, so twice is harmless.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic

from pydantic import ValidationError

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.settings import Area, SettingsChanged
from service_kit.auth.permissions import Permission
from service_kit.crash_points import crash_point
from service_kit.docstore import Cmp, Collection, CollectionSpec, Document, Fate
from service_kit.errors import TransientError
from service_kit.http.problems import invalid_request, not_found
from service_kit.http.routes import Routes
from service_kit.merge_patch import merge
from service_kit.platform import Platform
from service_kit.problem import Problem
from service_kit.settings_api import Warn, settings_router
from service_kit.settings_codec import S, SettingsCodec

_ATTEMPTS = 8
_PAGE = 200
MAX_PATCHED_BYTES = 512 * 1024
"""Of one account's area; the whole of it must fit one record of the bus."""

Check = Callable[[str, S, S], Awaitable[None]]
"""Takes the account's id and its settings before and after; raises a Problem to refuse the change."""


class SettingsContended(TransientError):
    """Others kept writing the same settings in between."""


class StoredSettings(Document):
    """One account's settings of one area; the id is the account's. `value` is sealed JSON.

    `published` is the highest version that the bus is known to have stored.
    """

    version: int
    value: str
    changed_at: UtcDatetime
    published: int = 0


class SettingsArea(Generic[S]):
    """Settings of one area, of every account."""

    def __init__(self, platform: Platform, area: Area, shape: type[S], *, check: Check[S] | None = None) -> None:
        self.area = area
        self.codec = SettingsCodec(shape, platform.secrets)
        self._bus = platform.bus
        self._clock = platform.clock
        self._check = check
        self._stored: Collection[StoredSettings] = platform.store.collection(
            CollectionSpec(name=f"settings_{area}", model=StoredSettings)
        )

    async def get(self, account_id: str) -> S:
        """The account's settings, secrets readable.

        Raises:
            Problem: 404, the account is unknown.
        """
        return self.codec.open_text((await self._load(account_id)).value)

    async def all(self) -> Mapping[str, S]:
        """Everybody's settings by account id."""
        return {stored.id: self.codec.open_text(stored.value) for stored in await self._load_all()}

    async def versions(self, account_ids: Iterable[str]) -> Mapping[str, int]:
        """Which version of their settings these accounts have now; without those that are unknown.

        What to ask often: one round trip, and no secret is opened.
        """
        return {stored.id: stored.version for stored in (await self._stored.get_many(account_ids)).values()}

    async def patch(self, account_id: str, merge_patch: Mapping[str, Any]) -> S:
        """Apply an RFC 7396 patch; returns when the outcome is published.

        Raises:
            Problem: 404, or 422 when the outcome does not fit the shape or the check refuses it.
            Unavailable: the store or the bus does not answer; the same patch again heals it.
        """

        def patched(before: S) -> S:
            wanted = merge(before.model_dump(mode="json"), merge_patch)
            if len(json.dumps(wanted)) > MAX_PATCHED_BYTES:
                raise Problem(422, "settings_too_large", f"An area may have {MAX_PATCHED_BYTES} bytes.")
            try:
                return self.codec.shape.model_validate(wanted)
            except ValidationError as error:
                raise invalid_request(error.errors(include_url=False, include_input=False)) from error

        return await self.update(account_id, patched)

    async def replace(self, account_id: str, value: S) -> S:
        """Put `value` in place of whatever there is, even nothing; returns when it is published."""
        await self._insert(account_id, value)
        return await self.update(account_id, lambda _: value)

    async def update(self, account_id: str, change: Callable[[S], S]) -> S:
        """Store and publish `change` of what is stored; it may be called again when others write meanwhile."""
        for _ in range(_ATTEMPTS):
            stored = await self._load(account_id)
            before = self.codec.open_text(stored.value)
            after = change(before)
            if after != before:
                if self._check is not None:
                    await self._check(account_id, before, after)
                written = await self._replaced(stored, after)
                if written is None:
                    continue
                stored = written
                crash_point("settings.stored")
            if stored.published < stored.version:
                await self._publish([stored])
            return after
        raise SettingsContended(f"settings {self.area} of {account_id} are being written by too many")

    async def ensure(self, account_id: str, defaults: S | None = None) -> None:
        """Give a new account its settings; those of a known one stay, and are published if they were not yet."""
        await self._insert(account_id, self.codec.shape() if defaults is None else defaults)
        stored = await self._load(account_id)
        if stored.published < stored.version:
            await self._publish([stored])

    async def republish(self) -> None:
        """Publish everybody's settings as they are; on start, so that a bus that lost them learns them again."""
        everything = await self._load_all()
        for begin in range(0, len(everything), _PAGE):
            await self._publish(everything[begin : begin + _PAGE])

    def router(
        self,
        read: Permission = Permission.SETTINGS_READ,
        write: Permission = Permission.SETTINGS_MANAGE,
        *,
        warn: Warn[S] | None = None,
    ) -> Routes:
        """`GET` and `PATCH /v1/settings/{area}`; `warn` says what does not work as an account's settings say."""
        return settings_router(self, read, write, warn)

    async def _load(self, account_id: str) -> StoredSettings:
        stored = await self._stored.get(account_id)
        if stored is None:
            raise not_found("account")
        return stored

    async def _load_all(self) -> Sequence[StoredSettings]:
        everything: list[StoredSettings] = []
        cursor: str | None = None
        while True:
            page = await self._stored.find(Cmp("id", ">", ""), limit=_PAGE, cursor=cursor)
            everything.extend(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return everything

    async def _insert(self, account_id: str, settings: S) -> None:
        value = self.codec.seal_text(settings)
        first = StoredSettings(id=account_id, version=1, value=value, changed_at=self._clock.now())
        await self._stored.insert_many([first])  # EXISTS is as good

    async def _replaced(self, stored: StoredSettings, settings: S) -> StoredSettings | None:
        """The stored outcome; None where somebody else wrote first."""
        changed: dict[str, Any] = {
            "version": stored.version + 1,
            "value": self.codec.seal_text(settings),
            "changed_at": self._clock.now(),
        }
        written = stored.model_copy(update=changed)
        [fate] = await self._stored.replace_many([written])
        return written.model_copy(update={"rev": stored.rev + 1}) if fate is Fate.DONE else None

    async def _publish(self, stored: Sequence[StoredSettings]) -> None:
        if not stored:
            return
        await self._bus.publish([self._event(one) for one in stored])
        crash_point("settings.published")
        unmarked = [one for one in stored if one.published < one.version]
        # A later writer wins the swap, and publishes and marks its own, higher version.
        await self._stored.replace_many([one.model_copy(update={"published": one.version}) for one in unmarked])

    def _event(self, stored: StoredSettings) -> SettingsChanged:
        return SettingsChanged(
            id=derive_id("evt", "settings", stored.id, self.area, str(stored.version)),
            account_id=stored.id,
            time=stored.changed_at,
            area=self.area,
            version=stored.version,
            value=json.loads(stored.value),
        )
