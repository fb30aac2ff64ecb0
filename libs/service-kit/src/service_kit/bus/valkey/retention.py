"""Keeping streams in bounds without ever removing what a declared group still needs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from contracts.topic import Topic
from service_kit.bus.dead_letter import DEAD_LETTER_RETENTION
from service_kit.bus.record import Record
from service_kit.bus.valkey.streams import FIRST_ID, id_order, records_of

_PAGE = 500
_LONGEST_REST = timedelta(days=1)
"""What a record superseded must go from a quiet stream too: it may be somebody who was erased (S3)."""
_MOST_REMOVED = 10_000
"""Entries per script call: the server does nothing else meanwhile."""

_FLOOR = """
local function older(a, b)
  local a_ms, a_seq = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_seq = string.match(b, '(%d+)-(%d+)')
  if a_ms ~= b_ms then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end
-- The oldest entry that one of the groups may still need: its oldest pending one, or else the last delivered.
-- Without groups nothing is needed.
local function floor(stream, groups)
  local delivered = {}
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group = {}
    for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
    delivered[group['name']] = group['last-delivered-id']
  end
  local lowest
  for _, name in ipairs(groups) do
    if not delivered[name] then return nil, redis.error_reply('NOGROUP ' .. name .. ' is missing on ' .. stream) end
    local pending = redis.call('XPENDING', stream, name)
    local needed = pending[1] > 0 and pending[2] or delivered[name]
    if not lowest or older(needed, lowest) then lowest = needed end
  end
  return lowest or '9007199254740991-0'
end
"""

_FLOOR_OF_STREAM = (
    _FLOOR
    + """
local lowest, missing = floor(KEYS[1], ARGV)
return missing or lowest
"""
)

_TRIM = (
    _FLOOR
    + """
local groups = {}
for i = 3, #ARGV do groups[#groups + 1] = ARGV[i] end
local keep, missing = floor(KEYS[1], groups)
if missing then return missing end
if older(ARGV[1], keep) then keep = ARGV[1] end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', keep, 'LIMIT', ARGV[2])
"""
)


class Retention:
    """Trims by age, and compacts what keeps only the newest record of each key.

    A group that falls behind holds its records back: the stream grows rather than lose one, and its lag shows it.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._trim = client.register_script(_TRIM)
        self._floor = client.register_script(_FLOOR_OF_STREAM)
        self._rests_until: dict[str, int] = {}
        self._compacted_at: dict[str, datetime] = {}

    async def tend(self, topic: Topic, groups: Sequence[str], now: datetime) -> int:
        """Bring one topic and its dead letters back into bounds; how many records were removed."""
        removed = 0
        for group in groups:
            oldest = _id_at(now - DEAD_LETTER_RETENTION)
            removed += await self._client.xtrim(topic.dead_letter_topic(group), minid=oldest, approximate=False)
        if topic.compacted:
            if now - self._compacted_at.setdefault(topic.name, now) >= _LONGEST_REST:
                self._compacted_at[topic.name] = now
                self._rests_until.pop(topic.name, None)
            return removed + await self.compact(topic.name, groups)
        return removed + await self.trim(topic.name, groups, now - timedelta(days=topic.retention_days))

    async def trim(self, stream: str, groups: Sequence[str], oldest: datetime) -> int:
        """Remove what is older than `oldest` and needed by no group.

        Raises:
            ResponseError: a declared group does not exist, so nobody knows what it still needs.
        """
        removed = 0
        while count := int(await self._trim(keys=[stream], args=[_id_at(oldest), _MOST_REMOVED, *groups])):
            removed += count
        return removed

    async def compact(self, stream: str, groups: Sequence[str]) -> int:
        """Remove records that a newer one of the same key supersedes and every group has acknowledged.

        Reads the whole stream, so after the first time it rests until a tenth has been added, or `tend` wakes it.
        """
        info = await self._client.xinfo_stream(stream)
        added = int(info["entries-added"])
        if added < self._rests_until.get(stream, 0):
            return 0
        self._rests_until[stream] = added + max(_PAGE, int(info["length"]) // 10)
        floor = id_order((await self._floor(keys=[stream], args=list(groups))).decode())
        newest: dict[str, str] = {}
        removed = 0
        after = FIRST_ID
        while records := await self._page(stream, after):
            superseded = []
            for record in records:
                previous = newest.get(record.key)
                if previous is not None and id_order(previous) < floor:
                    superseded.append(previous)
                newest[record.key] = record.position
            if superseded:
                removed += await self._client.xdel(stream, *superseded)
            after = records[-1].position
        return removed

    async def _page(self, stream: str, after: str) -> list[Record]:
        entries: Any = await self._client.xrange(stream, min=f"({after}", count=_PAGE)
        return records_of(entries)


def _id_at(moment: datetime) -> str:
    return f"{int(moment.timestamp() * 1000)}-0"
