"""How many copies the topics of a cluster have, and how many are up to date."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from service_kit.bus.kafka.address import KafkaAddress

_NEEDED = "min.insync.replicas"


@dataclass(frozen=True, slots=True)
class Copies:
    """Of one topic; `replicas` and `in_sync` are those of the partition that has the fewest."""

    replicas: int
    in_sync: int
    needed: int


async def copies_of(url: str, topics: Iterable[str]) -> Mapping[str, Copies]:
    """Of each of these topics of the cluster at this URL."""
    names = sorted(topics)
    async with _admin(url) as admin:
        described = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics(names)}
        needed = await _needed(admin, names)
    return {
        name: Copies(
            replicas=min(len(one["replicas"]) for one in partitions),
            in_sync=min(len(one["isr"]) for one in partitions),
            needed=needed[name],
        )
        for name, partitions in described.items()
    }


async def _needed(admin: AIOKafkaAdminClient, names: Iterable[str]) -> Mapping[str, int]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name, configs={_NEEDED: None}) for name in names]
    answers = await admin.describe_configs(wanted)
    found = [one for answer in answers for one in answer.to_object()["resources"]]
    return {
        one["resource_name"]: int(entry["config_value"])
        for one in found
        for entry in one["config_entries"]
        if entry["config_names"] == _NEEDED
    }


@asynccontextmanager
async def _admin(url: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**KafkaAddress.parse(url).client_options())
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
