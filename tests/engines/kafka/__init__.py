"""The real Apache Kafka server, one node or three, on this machine's Java."""

from engines.kafka.cluster import KafkaCluster

__all__ = ["KafkaCluster"]
