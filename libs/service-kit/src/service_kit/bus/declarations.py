"""What was declared on a bus before it starts: its topics, their groups, its subscriptions."""

from collections.abc import Sequence

from contracts.topic import Topic
from service_kit.bus.port import Subscription

_WITHOUT_GROUP = "outsiders"
"""They bring their own groups and live with the retention; a group that nobody reads would stop all trimming."""


class Declarations:
    """Topics and subscriptions, checked as they come."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        self.topics = {topic.name: topic for topic in topics}
        self.subscriptions: list[Subscription] = []

    def add(self, subscription: Subscription) -> None:
        """Admit a subscription.

        Raises:
            ValueError: its topic is not ours, its group reads that topic already, or `only` names foreign events.
        """
        topic, group = subscription.topic, subscription.group
        if topic.name not in self.topics:
            raise ValueError(f"{topic.name} is not among this bus's topics")
        if any((other.topic.name, other.group) == (topic.name, group) for other in self.subscriptions):
            raise ValueError(f"{group} reads {topic.name} already")
        if foreign := [event.__name__ for event in subscription.only if event not in topic.events]:
            raise ValueError(f"{topic.name} does not hold {', '.join(foreign)}")
        self.subscriptions.append(subscription)

    def groups(self, topic: Topic) -> tuple[str, ...]:
        """Every group that must miss nothing of `topic`: the declared consumers, and whoever subscribed here."""
        declared = [name for name in topic.consumers if name != _WITHOUT_GROUP]
        here = [one.group for one in self.subscriptions if one.topic.name == topic.name]
        return tuple(dict.fromkeys([*declared, *here]))

    def wanted_groups(self, source: str) -> list[tuple[str, str]]:
        """Topic and group of all that must be there for a service: on the topics it owns, and where it reads itself."""
        return [
            (topic.name, group)
            for topic in self.topics.values()
            for group in self.groups(topic)
            if source in {topic.owner, group}
        ]
