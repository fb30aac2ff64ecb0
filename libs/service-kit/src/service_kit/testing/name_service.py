"""Name resolution in tests, which must not depend on the network."""

from collections.abc import Sequence


class NameService:
    """A `service_kit.ssrf.Resolve`: each look-up of a name, by its first label, takes the next of its answers."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        """The next answer."""
        self.asked.append(host)
        return self.answers[host.split(".", maxsplit=1)[0]].pop(0)
