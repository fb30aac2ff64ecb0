"""A look at Valkey from outside: are the groups there that must miss nothing?"""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError


async def missing_groups(client: Redis, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """A clause for each group that no stream has, by one round trip."""
    topics = sorted({topic for topic, _ in wanted})
    async with client.pipeline(transaction=False) as pipeline:
        for topic in topics:
            pipeline.xinfo_groups(topic)
        answers = await pipeline.execute(raise_on_error=False)
    there = {topic: _names(answer) for topic, answer in zip(topics, answers, strict=True)}
    return [f"{topic} has no group {group}" for topic, group in wanted if group not in there[topic]]


def _names(answer: Any) -> set[str]:
    """The groups of one stream; none where there is no such stream."""
    if isinstance(answer, ResponseError) and "no such key" in str(answer):
        return set()
    if isinstance(answer, Exception):
        raise answer
    return {group["name"].decode() for group in answer}
