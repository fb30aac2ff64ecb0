"""The engines that a benchmark runs on, made empty for each run.

Embedded: a Valkey of our own and SQLite files, in a temporary folder. Production: what `DESKBUS_TEST_KAFKA_URL` and
`DESKBUS_TEST_MONGO_URL` name (`python -m engines -- …` starts and names them); their topics and databases are
emptied, so they must be engines for tests.
"""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from pymongo import AsyncMongoClient

from service_kit.engine_valkey import ValkeyServer
from service_kit.testing.eventually import eventually

_PREFIX = "deskbus_"
_GONE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Fresh:
    """Engines without data. An empty URL stands for the embedded engine."""

    home: Path
    redis_url: str
    bus_url: str = ""
    store_url: str = ""


@dataclass(frozen=True, slots=True)
class EngineSet:
    """Engines by name. `unavailable`: why nothing can be measured on them here. `note`: how to read the figures."""

    name: str
    bus_url: str = ""
    store_url: str = ""
    note: str = ""
    unavailable: str = ""

    @property
    def takes_replicas(self) -> bool:
        """Whether a second process of a service may consume: a group of the embedded bus has one consumer."""
        return bool(self.bus_url)

    @property
    def is_a_folder(self) -> bool:
        """Whether all that a run leaves is in its home, which can be copied."""
        return not self.bus_url and not self.store_url

    @asynccontextmanager
    async def fresh(self, home: Path | None = None) -> AsyncIterator[Fresh]:
        """The engines, emptied, for one run; those of a `home` that is given keep what it holds, and it stays."""
        async with AsyncExitStack() as stack:
            home = home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deskbus-bench-")))
            (home / "store").mkdir(parents=True, exist_ok=True)
            valkey = ValkeyServer(home)
            await valkey.start()
            stack.push_async_callback(valkey.stop)
            if self.bus_url:
                await _without_topics(self.bus_url)
            if self.store_url:
                await _without_databases(self.store_url)
            yield Fresh(home, valkey.url, self.bus_url, self.store_url)


def engine_sets() -> tuple[EngineSet, ...]:
    """Every set this project has, measurable here or not."""
    kafka, mongo = os.environ.get("DESKBUS_TEST_KAFKA_URL", ""), os.environ.get("DESKBUS_TEST_MONGO_URL", "")
    origin = os.environ.get("DESKBUS_TEST_ENGINES", "")
    no_kafka = "" if kafka else "DESKBUS_TEST_KAFKA_URL is not set: run it through `python -m engines -- …`"
    no_mongo = "" if mongo else "DESKBUS_TEST_MONGO_URL is not set: run it through `python -m engines -- …`"
    ferret = "FerretDB is not MongoDB; its speed says nothing about MongoDB's. " if "ferret" in origin.lower() else ""
    return (
        EngineSet("embedded", note="Valkey, SQLite"),
        EngineSet("kafka+sqlite", bus_url=kafka, note=f"isolates the bus. {origin}", unavailable=no_kafka),
        EngineSet(
            "kafka+mongodb",
            bus_url=kafka,
            store_url=mongo,
            note=f"{ferret}{origin}",
            unavailable=no_kafka or no_mongo,
        ),
    )


async def _without_topics(url: str) -> None:
    """Delete all topics; Kafka forgets what groups had committed of them."""
    servers = url.removeprefix("kafka://").split("?")[0].split("@")[-1]
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        ours = [name for name in await admin.list_topics() if not name.startswith("__")]
        if ours:
            await admin.delete_topics(ours)
        await eventually(lambda: _holds_no_topics(admin), seconds=_GONE_SECONDS)
    finally:
        await admin.close()


async def _holds_no_topics(admin: AIOKafkaAdminClient) -> bool:
    return all(name.startswith("__") for name in await admin.list_topics())


async def _without_databases(url: str) -> None:
    client: AsyncMongoClient[dict[str, Any]]
    async with AsyncMongoClient(url) as client:
        for name in await client.list_database_names():
            if name.startswith(_PREFIX):
                await client.drop_database(name)
