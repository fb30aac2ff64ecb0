"""Making reports from the facts."""

from collections.abc import Mapping, Sequence

from reporting.assignments import Assignments
from reporting.cycles import Cycle
from reporting.report_filter import ReportFilter
from reporting.report_range import ReportRange
from reporting.response_times import ResponseTimes
from reporting.store import ReportingStore
from reporting.traffic import Traffic
from reporting.volume import Volume

_AT_ONCE = 1_000


class Reports:
    """Every report, over any range and filter."""

    def __init__(self, store: ReportingStore) -> None:
        self._store = store

    async def volume(self, account_id: str, asked: ReportRange, wanted: ReportFilter) -> Volume:
        """What came in, went out, was closed and came back; `agent` means whom a ticket was assigned to."""
        volume = Volume(asked)
        async for cycle in self._store.cycles_by("opened_at", account_id, asked.start, asked.end):
            if wanted.takes(cycle, cycle.agent_id):
                volume.add("tickets_reopened" if cycle.is_reopening else "tickets_created", cycle.opened_at)
        async for cycle in self._store.cycles_by("closed_at", account_id, asked.start, asked.end):
            if cycle.closed_at is not None and wanted.takes(cycle, cycle.agent_id):
                volume.add("tickets_closed", cycle.closed_at)
        await self._add_traffic(volume, account_id, asked, wanted)
        return volume

    async def response_times(self, account_id: str, asked: ReportRange, wanted: ReportFilter) -> ResponseTimes:
        """How long customers waited for the first answer; `agent` means who gave it."""
        times = ResponseTimes(asked)
        async for cycle in self._store.cycles_by("answered_at", account_id, asked.start, asked.end):
            if cycle.response is not None and wanted.takes(cycle, cycle.response.agent_id):
                times.add(cycle.response)
        return times

    async def assignments(self, account_id: str, asked: ReportRange, wanted: ReportFilter) -> Assignments:
        """Who was given tickets and what came back; `agent` means whom it was given to, or taken from."""
        assignments = Assignments(asked)
        async for handover in self._store.handovers_in(account_id, asked.start, asked.end):
            if wanted.takes(handover, handover.agent_id):
                assignments.add(handover)
        return assignments

    async def _add_traffic(self, volume: Volume, account_id: str, asked: ReportRange, wanted: ReportFilter) -> None:
        gathered: list[Traffic] = []
        async for traffic in self._store.traffic_in(account_id, asked.start, asked.end):
            if wanted.channel in {None, traffic.channel}:
                gathered.append(traffic)
            if len(gathered) >= _AT_ONCE:
                await self._add_wanted(volume, gathered, wanted)
                gathered = []
        await self._add_wanted(volume, gathered, wanted)

    async def _add_wanted(self, volume: Volume, gathered: Sequence[Traffic], wanted: ReportFilter) -> None:
        cycles: Mapping[str, Cycle] = {}
        if wanted.needs_cycles:
            cycles = await self._store.cycles_of({traffic.cycle_id for traffic in gathered})
        for traffic in gathered:
            cycle = cycles.get(traffic.cycle_id)
            if not wanted.needs_cycles or (cycle is not None and wanted.takes(cycle, cycle.agent_id)):
                for at, count in traffic.moments():
                    volume.add_traffic(at, count)
