"""The bus of a system on Kafka: its topics."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from end_to_end.bus import Bus
from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.kafka.group import group_id

T = TypeVar("T")

_SECONDS = 30.0
_POLL_MS = 200


class KafkaTopics(Bus):
    """Topics of the cluster at a URL, by clients that live on a loop in a thread of their own."""

    def __init__(self, url: str) -> None:
        self._options = KafkaAddress.parse(url).client_options()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._wait(self._start())

    async def _start(self) -> None:
        self._producer = AIOKafkaProducer(**self._options, acks="all")
        self._consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False)
        self._admin = AIOKafkaAdminClient(**self._options)
        for client in (self._producer, self._consumer, self._admin):
            await client.start()

    def close(self) -> None:
        """Disconnect."""
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        await self._producer.stop()
        await self._consumer.stop()
        await self._admin.close()

    def put(self, topic: str, key: str, value: bytes, **headers: str) -> None:
        """Append a record."""
        raw = [(name, text.encode()) for name, text in headers.items()]
        self._wait(self._producer.send_and_wait(topic, value, key=key.encode(), headers=raw))

    def dead_letters(self, topic: str, group: str) -> list[dict[str, Any]]:
        """What lies on the dead-letter topic behind the place up to which it was replayed."""
        return self._wait(self._dead_letters(TopicPartition(f"{topic}-{group}-dlq", 0), f"{group}-replay"))

    def is_read(self, topic: str, group: str) -> bool:
        """Whether the group has committed everything there is."""
        return self._wait(self._is_read(topic, group))

    async def _dead_letters(self, place: TopicPartition, replayed: str) -> list[dict[str, Any]]:
        end = (await self._consumer.end_offsets([place]))[place]
        self._consumer.assign([place])
        self._consumer.seek(place, await self._committed(replayed, place))
        letters: list[dict[str, Any]] = []
        while await self._consumer.position(place) < end:
            for record in (await self._consumer.getmany(place, timeout_ms=_POLL_MS)).get(place, ()):
                headers = {name: value.decode() for name, value in record.headers}
                letters.append({"key": (record.key or b"").decode(), "value": record.value, "headers": headers})
        return letters

    async def _is_read(self, topic: str, group: str) -> bool:
        (described,) = await self._admin.describe_topics([topic])
        places = [TopicPartition(topic, partition["partition"]) for partition in described["partitions"]]
        ends = await self._consumer.end_offsets(places)
        return all([await self._committed(group_id(group, topic), place) >= end for place, end in ends.items()])

    async def _committed(self, group: str, place: TopicPartition) -> int:
        offsets = await self._admin.list_consumer_group_offsets(group, partitions=[place])
        return max(0, int(offsets[place].offset)) if place in offsets else 0

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)
