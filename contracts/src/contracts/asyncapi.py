"""The AsyncAPI 3.0 document of all topics, made from the topics themselves."""

from collections.abc import Sequence
from typing import Any

from contracts.completeness import type_name
from contracts.envelope import CONTENT_TYPE, Event
from contracts.topic import Topic

_HEADERS = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "content-type")


def asyncapi_document(topics: Sequence[Topic], *, version: str) -> dict[str, Any]:
    """The whole document as plain data; schemas are referenced, as they stand in `schemas/`."""
    events = sorted({event for topic in topics for event in topic.events}, key=type_name)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Deskbus",
            "version": version,
            "description": "Events of a customer-support inbox. CloudEvents 1.0, binary mode: the value is the event, "
            "the attributes are `ce_*` headers. Topics marked internal may change without notice.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {
            f"{action}.{topic.name}": {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}}
            for topic in topics
            for action in ("send", "receive")
        },
        "components": {
            "messages": {type_name(event): _message(event) for event in events},
            "schemas": {"CloudEventHeaders": _header_schema()},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.summary,
        "messages": {type_name(event): {"$ref": f"#/components/messages/{type_name(event)}"} for event in topic.events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["compact"] if topic.compacted else ["delete"],
                    "retention.ms": topic.retention_days * 86_400_000,
                },
                "bindingVersion": "0.5.0",
            }
        },
        "x-owner": topic.owner,
        "x-producers": list(topic.producers),
        "x-consumers": list(topic.consumers),
        "x-key": topic.key,
        "x-visibility": topic.visibility,
        "x-dead-letters": [topic.dead_letter_topic(group) for group in topic.consumers],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": type_name(event),
        "title": event.__name__,
        "summary": " ".join((event.__doc__ or "").split()),
        "contentType": CONTENT_TYPE,
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"../schemas/{type_name(event)}.json"},
        },
    }


def _header_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(_HEADERS),
        "properties": {name: {"type": "string"} for name in _HEADERS},
    }
