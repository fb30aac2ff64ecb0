"""A Valkey on a port, as in production: binary and durability of the embedded one, without its supervisor."""

import secrets
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from engines.single import SingleServer
from service_kit.valkey_binary import find_valkey
from service_kit.valkey_config import LoopbackPort, configuration


class ValkeyEngine(SingleServer):
    """One Valkey server. Killed, it stays down until it is started: nobody restarts it."""

    def __init__(self) -> None:
        binary = find_valkey()
        self._password = secrets.token_urlsafe(16)
        super().__init__(
            f"Valkey ({binary})", lambda port, data: self._command(binary, port, data), answers=self._is_ready
        )

    @property
    def url(self) -> str:
        """Where clients connect; the same over restarts."""
        return self._address(self._port).url

    def _address(self, port: int) -> LoopbackPort:
        return LoopbackPort(port, self._password)

    def _command(self, binary: Path, port: int, data: Path) -> list[str]:
        told = data / "valkey.conf"
        told.write_text(configuration(self._address(port), data))
        return [str(binary), str(told)]

    def _is_ready(self, port: int) -> bool:
        with Redis.from_url(self._address(port).url, socket_timeout=1, socket_connect_timeout=1) as client:
            try:
                return bool(client.ping())
            except (RedisError, OSError):
                return False
