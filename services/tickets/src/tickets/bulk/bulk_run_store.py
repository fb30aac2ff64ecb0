"""Every query for bulk actions and their parts."""

from collections.abc import Sequence

from service_kit.docstore import Collection, DocStore, Eq, Fate, Page, Sort
from tickets.bulk.bulk_run import BULK_PARTS, BULK_RUNS, BulkPart, BulkRun, part_id

_AT_ONCE = 200


class BulkRunStore:
    """Runs in the document store."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[BulkRun] = store.collection(BULK_RUNS)
        self._parts = store.collection(BULK_PARTS)

    async def find(self, account_id: str, run_id: str) -> BulkRun | None:
        """One run of this account."""
        run = await self.collection.get(run_id)
        return run if run is not None and run.account_id == account_id else None

    async def page(self, account_id: str, *, limit: int, cursor: str | None) -> Page[BulkRun]:
        """An account's runs, the newest first."""
        where, newest = Eq("account_id", account_id), Sort("created_at", descending=True)
        return await self.collection.find(where, sort=newest, limit=limit, cursor=cursor)

    async def insert(self, run: BulkRun, parts: Sequence[BulkPart]) -> BulkRun | None:
        """Add one, its parts first: what is there without a run is never carried out. None where there is one."""
        if parts:
            await self._parts.insert_many(parts)
        return _stored(run, (await self.collection.insert_many([run]))[0])

    async def replace(self, run: BulkRun) -> BulkRun | None:
        """The run as stored now; None when somebody else changed it meanwhile."""
        return _stored(run, (await self.collection.replace_many([run]))[0])

    async def parts(self, run_id: str, numbers: range) -> Sequence[BulkPart]:
        """Some parts of a run, in their order."""
        found = await self._parts.get_many(part_id(run_id, number) for number in numbers)
        return [found[an_id] for an_id in sorted(found)]

    async def save_part(self, part: BulkPart) -> None:
        """Keep results; if another carrier was at the same part, either's are as true."""
        await self._parts.replace_many([part])

    async def delete(self, run: BulkRun) -> None:
        """Remove a run with its parts; those first, so that this can be done again to the end."""
        while (page := await self._parts.find(Eq("run_id", run.id), limit=_AT_ONCE)).items:
            await self._parts.delete_many(page.items)
        await self.collection.delete_many([run])


def _stored(run: BulkRun, fate: Fate) -> BulkRun | None:
    return run.model_copy(update={"rev": run.rev + 1}) if fate is Fate.DONE else None
