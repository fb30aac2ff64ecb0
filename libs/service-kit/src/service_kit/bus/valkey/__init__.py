"""The bus engine on Valkey Streams."""

from service_kit.bus.valkey.bus import ValkeyBus

__all__ = ["ValkeyBus"]
