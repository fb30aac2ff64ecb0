"""The front of a fleet: the reverse proxy of the end-to-end tests, over several processes of each service."""

from collections.abc import Callable, Mapping, Sequence
from itertools import count

from deskbus.public_routes import Route
from end_to_end.front_proxy import FrontProxy


class Balancer(FrontProxy):
    """Requests go to the processes of a service in turn; `is_up` is the health check, by port."""

    def __init__(
        self, port: int, routes: Sequence[Route], ports: Mapping[str, Sequence[int]], is_up: Callable[[int], bool]
    ) -> None:
        super().__init__(port, routes, {name: several[0] for name, several in ports.items()})
        self._siblings = {several[0]: several for several in ports.values()}
        self._is_up = is_up
        self._turns = count()

    def port_of(self, path: str) -> int:
        """The next process of the path's owner; any, where none is up."""
        several = self._siblings[super().port_of(path)]
        up = [port for port in several if self._is_up(port)] or several
        return up[next(self._turns) % len(up)]
