"""A running Deskbus as the tests need it, whichever way it is composed."""

from typing import Any, Protocol


class RunningProcess(Protocol):
    """One process with everything in it, or one for each service."""

    environment: dict[str, str]
    smtp_port: int

    @property
    def base_url(self) -> str:
        """The one origin."""

    def owner(self) -> dict[str, Any]:
        """The first account's owner."""

    def is_ready(self) -> bool:
        """Whether it says so."""

    def log(self) -> str:
        """Everything that it has logged, JSON line by line."""

    def metrics(self) -> str:
        """Everything that it counts, as Prometheus reads it."""

    def api_documents(self) -> list[dict[str, Any]]:
        """The OpenAPI documents that together describe every route."""
