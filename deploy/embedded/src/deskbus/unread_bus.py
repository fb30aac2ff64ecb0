"""A bus for commands beside a running system: what a service declares to read is left to the service."""

from typing import Any, cast

from service_kit.bus import Bus
from service_kit.bus.port import Subscription


def unread(bus: Bus) -> Bus:
    """The same bus, but subscriptions come to nothing.

    A command that composes a part of a service would join its consumer groups, take partitions from the processes that
    run, and give them back a moment later.
    """
    return cast("Bus", _Unread(bus))


class _Unread:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def subscribe(self, subscription: Subscription) -> None:
        """Nobody reads here."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)
