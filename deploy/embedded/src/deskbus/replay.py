"""`deskbus replay`: dead letters back onto their topic."""

from rich.console import Console

from contracts.topics import TOPICS
from deskbus.attached import attached_engines
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings


class UnknownReaderError(DeskbusError):
    """No such topic, or the group does not read it."""


async def run_replay(console: Console, settings: PlatformSettings, topic_name: str, group: str, limit: int) -> None:
    """Put back at most `limit` dead letters of one group on one topic, and say how many it was."""
    topic = next((topic for topic in TOPICS if topic.name == topic_name), None)
    if topic is None:
        raise UnknownReaderError(f"no topic {topic_name!r}; there are: {', '.join(topic.name for topic in TOPICS)}")
    if group not in topic.consumers:
        raise UnknownReaderError(f"{group!r} does not read {topic.name}; its readers are {', '.join(topic.consumers)}")
    async with attached_engines(settings) as engines:
        bus = engines.platform_of(group).bus
        await bus.start()
        try:
            count = await bus.replay(topic, group, limit=limit)
        finally:
            await bus.stop()
    console.print(f"{count} dead letters of {group} are back on {topic.name}", highlight=False)
