"""Records as stream entries, and the order of their ids. Pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from service_kit.bus.record import Record

FIRST_ID = "0-0"


def fields_of(record: Record) -> dict[Any, Any]:
    """The fields of a stream entry; the headers are one JSON object."""
    return {
        "key": record.key.encode("utf-8", "surrogateescape"),
        "value": record.value,
        "headers": json.dumps(dict(record.headers), separators=(",", ":")),
    }


def records_of(entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> list[Record]:
    """The records of entries, in their order."""
    return [_record_of(entry_id, fields) for entry_id, fields in entries]


def id_order(entry_id: str) -> tuple[int, int]:
    """Ids compare as two numbers: as text `9-0` would come after `10-0`."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def _record_of(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Record:
    """What a foreign producer left out is empty, for the codec to judge."""
    return Record(
        key=fields.get(b"key", b"").decode("utf-8", "surrogateescape"),
        value=fields.get(b"value", b""),
        headers=_headers(fields.get(b"headers", b"{}")),
        position=entry_id.decode(),
    )


def _headers(text: bytes) -> dict[str, str]:
    try:
        headers = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(headers, dict):
        return {}
    return {name: value for name, value in headers.items() if isinstance(value, str)}
