"""What is remembered of a write with an `Idempotency-Key`: who claimed it, and the answer once there is one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

import structlog
from pydantic import BaseModel, ConfigDict

from service_kit.docstore import Cmp, Collection, CollectionSpec, DocStore, Document, Fate, Index

KEPT_FOR = timedelta(hours=24)
CLAIM_HELD_FOR = timedelta(seconds=60)
"""Longer than any write takes; one that takes longer all the same may be carried out twice at once."""
_ATTEMPTS = 3
_BEGUN_PER_PURGE = 50
_PURGED_AT_ONCE = 200
"""More than are begun between two purges, so that a purge always gains."""

logger = structlog.get_logger()


class Answer(BaseModel):
    """A stored answer; `sealed_body` is encrypted, because some answers show a secret once."""

    model_config = ConfigDict(frozen=True)

    status: int
    headers: tuple[tuple[str, str], ...]
    sealed_body: str


class IdempotencyRecord(Document):
    """One key of one caller on one address. Without an answer it is a claim."""

    fingerprint: str
    claimed_at: datetime
    expires_at: datetime
    answer: Answer | None = None


IDEMPOTENCY_KEYS = CollectionSpec(
    name="idempotency_keys", model=IdempotencyRecord, indexes=(Index(fields=("expires_at",)),)
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Nobody has done it: the caller of `begin` does, and owes `finish` or `release`."""

    record: IdempotencyRecord


@dataclass(frozen=True, slots=True)
class Answered:
    """It was done; this was the answer."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class InProgress:
    """Somebody is doing it."""


@dataclass(frozen=True, slots=True)
class Reused:
    """The key stands for another request."""


@dataclass(frozen=True, slots=True)
class Free:
    """There is a record, but whoever asks may take it over."""


def judge(record: IdempotencyRecord, fingerprint: str, now: datetime) -> Answered | InProgress | Reused | Free:
    """What an existing record means for a request with this fingerprint."""
    if record.expires_at <= now:
        return Free()
    if record.fingerprint != fingerprint:
        return Reused()
    if record.answer is not None:
        return Answered(record.answer)
    return Free() if record.claimed_at + CLAIM_HELD_FOR <= now else InProgress()


class IdempotencyRecords:
    """The collection, and the compare-and-swap that lets exactly one of many equal requests through."""

    def __init__(self, store: DocStore) -> None:
        self._records: Collection[IdempotencyRecord] = store.collection(IDEMPOTENCY_KEYS)
        self._begun = 0

    async def begin(self, record_id: str, fingerprint: str, now: datetime) -> Claimed | Answered | InProgress | Reused:
        """Claim the key, or say why that is not to be."""
        await self._purge_now_and_then(now)
        wanted = IdempotencyRecord(id=record_id, fingerprint=fingerprint, claimed_at=now, expires_at=now + KEPT_FOR)
        for _ in range(_ATTEMPTS):
            stored = await self._records.get(record_id)
            if stored is None:
                [fate] = await self._records.insert_many([wanted])
                rev = 1
            else:
                verdict = judge(stored, fingerprint, now)
                match verdict:
                    case Answered() | InProgress() | Reused():
                        return verdict
                    case Free():
                        [fate] = await self._records.replace_many([wanted.model_copy(update={"rev": stored.rev})])
                        rev = stored.rev + 1
                    case _:
                        assert_never(verdict)
            if fate is Fate.DONE:
                return Claimed(wanted.model_copy(update={"rev": rev}))
        return InProgress()

    async def finish(self, claim: Claimed, answer: Answer) -> None:
        """Keep the answer for whoever asks again."""
        [fate] = await self._records.replace_many([claim.record.model_copy(update={"answer": answer})])
        if fate is not Fate.DONE:
            logger.warning("idempotency_claim_lost", record_id=claim.record.id)

    async def release(self, claim: Claimed) -> None:
        """Nothing was done that must not be tried again; let the next one through at once."""
        await self._records.delete_many([claim.record])

    async def _purge_now_and_then(self, now: datetime) -> None:
        self._begun += 1
        if self._begun % _BEGUN_PER_PURGE != 1:
            return
        expired = await self._records.find(Cmp("expires_at", "<=", now), limit=_PURGED_AT_ONCE)
        if expired.items:
            await self._records.delete_many(expired.items)
