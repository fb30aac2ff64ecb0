"""Every query for what contacts did elsewhere."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service_kit.docstore import All, Cmp, DocStore, Eq, Filter, In, Page, Sort
from tickets.contacts.contact_model import ACTIVITIES, ContactActivity

COUNTED = 1_000
"""How far the events of one metric are counted."""

_MAX_METRICS = 100


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """Which events of a person: of some metrics or of all; `since` is included, `until` is not."""

    contact_ids: tuple[str, ...]
    metrics: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def where(self) -> Filter:
        """The query in the language of the store."""
        parts: list[Filter] = [In("contact_id", self.contact_ids)]
        if self.metrics:
            parts.append(In("metric", self.metrics))
        if self.since is not None:
            parts.append(Cmp("at", ">=", self.since))
        if self.until is not None:
            parts.append(Cmp("at", "<", self.until))
        return All(*parts)


@dataclass(frozen=True, slots=True)
class MetricCount:
    """How often a person did something, up to `COUNTED` for each contact they are made of, and when last."""

    metric: str
    count: int
    more: bool
    last_at: datetime


class ContactActivityStore:
    """What contacts did, in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._activities = store.collection(ACTIVITIES)

    async def page(self, query: ActivityQuery, *, limit: int, cursor: str | None) -> Page[ContactActivity]:
        """A page, newest first."""
        return await self._activities.find(query.where, sort=Sort("at", descending=True), limit=limit, cursor=cursor)

    async def newest_of_account(
        self, account_id: str, metrics: Sequence[str], *, at_most: int
    ) -> Sequence[ContactActivity]:
        """The newest of each metric over all contacts: one metric at a time is read in the order of its index."""
        pages = await asyncio.gather(*(self._newest(account_id, metric, at_most) for metric in metrics))
        return [activity for page in pages for activity in page.items]

    async def metrics(self, contact_ids: Sequence[str]) -> Sequence[MetricCount]:
        """What a person did, by metric: an index is looked into twice for each, however many events there are."""
        found: dict[str, MetricCount] = {}
        for contact_id in contact_ids:
            for one in await self._metrics_of(contact_id):
                known = found.get(one.metric, one)
                both = one.count if known is one else known.count + one.count
                latest = max(known.last_at, one.last_at)
                found[one.metric] = MetricCount(one.metric, both, known.more or one.more, latest)
        return [found[metric] for metric in sorted(found)]

    async def _metrics_of(self, contact_id: str) -> Sequence[MetricCount]:
        found: list[MetricCount] = []
        while len(found) < _MAX_METRICS:
            behind = Cmp("metric", ">", found[-1].metric if found else "")
            page = await self._activities.find(All(Eq("contact_id", contact_id), behind), sort=Sort("metric"), limit=1)
            if not page.items:
                break
            found.append(await self._count(contact_id, page.items[0].metric))
        return found

    async def _count(self, contact_id: str, metric: str) -> MetricCount:
        where = All(Eq("contact_id", contact_id), Eq("metric", metric))
        counted = await self._activities.count(where, at_most=COUNTED + 1)
        page = await self._activities.find(where, sort=Sort("at", descending=True), limit=1)
        return MetricCount(metric, min(counted, COUNTED), counted > COUNTED, page.items[0].at)

    async def _newest(self, account_id: str, metric: str, at_most: int) -> Page[ContactActivity]:
        where = All(Eq("account_id", account_id), Eq("metric", metric))
        return await self._activities.find(where, sort=Sort("at", descending=True), limit=at_most)
