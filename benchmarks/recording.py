"""What a pipeline wrote for each batch, so that the floor can write the very same."""

from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from contracts.envelope import Event
from service_kit.docstore import Document


class Call(BaseModel):
    """One bulk write or publish: documents of one collection, or events with their types, as JSON texts."""

    kind: Literal["insert", "replace", "publish"]
    collection: str = ""
    bodies: list[str] = Field(default_factory=list)
    types: list[str] = Field(default_factory=list)


class Batch(BaseModel):
    """What was written for one batch of records of a topic, in order."""

    topic: str
    records: int
    calls: list[Call] = Field(default_factory=list)


class Script(BaseModel):
    """All batches of one service, in the order in which they began."""

    batches: list[Batch] = Field(default_factory=list)


_CURRENT: ContextVar[Batch | None] = ContextVar("_CURRENT", default=None)


class Recording:
    """Keeps what is written on behalf of batches, if it `is_on`."""

    def __init__(self, *, is_on: bool) -> None:
        self._is_on = is_on
        self.script = Script()

    def begin(self, topic: str, records: int) -> None:
        """What is written from here on, by this task, belongs to this batch."""
        if self._is_on:
            batch = Batch(topic=topic, records=records)
            self.script.batches.append(batch)
            _CURRENT.set(batch)

    def end(self, *, is_done: bool) -> None:
        """The batch is over; one that failed comes again."""
        batch = _CURRENT.get()
        if batch is not None and not is_done:
            self.script.batches.remove(batch)
        _CURRENT.set(None)

    def wrote(self, kind: Literal["insert", "replace"], collection: str, documents: Sequence[Document]) -> None:
        """A bulk write is about to be made."""
        batch = _CURRENT.get()
        if batch is not None and documents:
            bodies = [document.model_dump_json() for document in documents]
            batch.calls.append(Call(kind=kind, collection=collection, bodies=bodies))

    def published(self, events: Sequence[Event]) -> None:
        """Events are about to be published."""
        batch = _CURRENT.get()
        if batch is not None:
            bodies = [event.model_dump_json() for event in events]
            batch.calls.append(Call(kind="publish", bodies=bodies, types=[event.type for event in events]))

    def save(self, path: Path) -> None:
        """Write the script for a floor to read."""
        if self._is_on:
            path.write_text(self.script.model_dump_json())


def load_script(path: Path) -> Script:
    """What an earlier process saved."""
    return Script.model_validate_json(path.read_bytes())
