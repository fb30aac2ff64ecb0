"""The bus engine on Apache Kafka."""

from service_kit.bus.kafka.bus import KafkaBus

__all__ = ["KafkaBus"]
