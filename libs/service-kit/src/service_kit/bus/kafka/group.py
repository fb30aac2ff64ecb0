"""The groups of Kafka that a service's subscriptions are members of."""


def group_id(group: str, topic: str) -> str:
    """The group of one service on one topic: whoever joins or leaves it, readers of other topics go on."""
    return f"{group}.{topic}"
