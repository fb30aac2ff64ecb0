"""Deliveries that a gateway set aside: what is known of each, and how it goes the same way once more (I6, M2).

A replay is a delivery of its own, whose id derives from what was set aside and the replay's number: an interrupted one
is done again under the same id, and a second one is a duplicate of the first by the message's identity.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from contracts.audit import AuditRecorded
from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.people import Actor, Channel
from service_kit.docstore import All, Cmp, Collection, Document, Eq, Fate, Filter
from service_kit.errors import DeskbusError, TransientError

_ROUNDS = 8


class ReplayRefusedError(DeskbusError):
    """What was set aside cannot go on its way: it would come straight back, or is not there any more."""


class NotSetAsideError(ReplayRefusedError):
    """Nothing of that id is in the quarantine (any more)."""

    def __init__(self, kept_id: str) -> None:
        super().__init__(f"nothing is set aside as {kept_id!r}")


class SetAside(Document):
    """A delivery in quarantine.

    `replays` counts how often it went on its way again, `returned` is the last of these that came back, and
    `replayed_at` is set while none has: only what waits counts towards the share of its `source`.
    """

    account_id: str
    source: str
    received_at: UtcDatetime
    replays: int = 0
    returned: int = 0
    replayed_at: UtcDatetime | None = None


S = TypeVar("S", bound=SetAside)


@dataclass(frozen=True, slots=True)
class KeptAside:
    """One delivery in quarantine as an operator sees it: never what the customer wrote."""

    id: str
    account_id: str
    channel: Channel
    mailbox: str
    source: str
    reason: str
    size: int
    received_at: datetime
    replays: int
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class QuarantineQuery:
    """What a list asks for. Everything up to `until` is listed; what was replayed only with `replayed`."""

    until: datetime
    account_id: str | None = None
    replayed: bool = False

    @property
    def where(self) -> Filter:
        """The query in the language of the store."""
        parts: list[Filter] = [Cmp("received_at", "<=", self.until)]
        if self.account_id is not None:
            parts.append(Eq("account_id", self.account_id))
        if not self.replayed:
            parts.append(Eq("replayed_at", None))
        return All(*parts)


class QuarantineShelf(Protocol):
    """The quarantine of one gateway, for the command beside the running system."""

    async def page(
        self, query: QuarantineQuery, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[KeptAside], str | None]:
        """What is set aside, oldest first, and the cursor of the next page."""

    async def find(self, kept_id: str) -> KeptAside | None:
        """One delivery."""

    async def raw(self, kept_id: str) -> bytes:
        """The payload as it came.

        Raises:
            ReplayRefusedError: it is gone.
        """

    async def replay(self, kept_id: str, *, trusted: bool) -> None:
        """Put it through the same way again, and note that; `trusted`: whatever its signature says.

        Raises:
            ReplayRefusedError: it cannot go on its way; nothing was changed.
            Unavailable: an engine did not confirm; the replay may be repeated.
        """


def unreplayed_of(account_id: str, source: str) -> Filter:
    """What counts towards a source's share."""
    return All(Eq("account_id", account_id), Eq("source", source), Eq("replayed_at", None))


def replay_id(kept: SetAside, number: int) -> str:
    """The id of a replay's delivery; numbers begin with 1."""
    return derive_id("dlv", kept.id, "replay", str(number))


def replay_entry(kept: SetAside, number: int, now: datetime, *, service: str, trusted: bool) -> AuditRecorded:
    """The entry of the audit log: an operator put it on its way again. The same replay again is the same entry."""
    return AuditRecorded(
        id=derive_id("aud", replay_id(kept, number)),
        account_id=kept.account_id,
        time=now,
        action="quarantine.replayed",
        actor=Actor(kind="system"),
        target_id=kept.id,
        service=service,
        details={"number": number, "trusted": trusted},
    )


def as_replayed(kept: S, number: int, now: datetime) -> S:
    """Noted that it went on its way; it may have come back before that was noted."""
    if kept.replays >= number:
        return kept
    is_back = kept.returned >= number
    return kept.model_copy(update={"replays": number, "replayed_at": None if is_back else now})


def as_returned(kept: S, delivery_id: str) -> S:
    """Noted that a replay ended in quarantine again; any other delivery changes nothing."""
    numbers: Iterable[int] = (kept.replays, kept.replays + 1)
    number = next((one for one in numbers if replay_id(kept, one) == delivery_id), 0)
    return kept.model_copy(update={"returned": number, "replayed_at": None}) if number > kept.returned else kept


async def note(collection: Collection[S], kept_id: str, change: Callable[[S], S]) -> None:
    """Write a change of what is set aside; one that is gone, or needs none, stays as it is.

    Raises:
        TransientError: others kept changing it.
    """
    for _ in range(_ROUNDS):
        known = await collection.get(kept_id)
        if known is None or (changed := change(known)) == known:
            return
        if (await collection.replace_many([changed]))[0] is Fate.DONE:
            return
    raise TransientError("what is set aside kept changing under us")
