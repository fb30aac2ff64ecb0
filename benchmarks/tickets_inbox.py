"""An inbox on disk: made where there is none, and kept for later runs where that is asked for.

What it was made of stands beside it, written last: without that it is not whole, and is made anew. An inbox of other
ingredients, or stored with other fields than the service stores tickets with now, is refused and never removed: making
it took long.
"""

import time
from pathlib import Path

from pydantic import BaseModel

from benchmarks.progress import Tell
from benchmarks.tickets_corpus import MESSAGES_PER_TICKET, Corpus
from benchmarks.tickets_figures import Filled
from benchmarks.tickets_seed import FILLED, fill
from service_kit.docstore.fields import IndexedFields
from service_kit.errors import DeskbusError

_LABEL = "made-of.json"


class OtherInboxError(DeskbusError):
    """What is kept in a folder is not what was asked for."""


class Label(BaseModel):
    """What an inbox was made of, the fields that its tables have, and what making it took."""

    ingredients: dict[str, int]
    fields: dict[str, list[str]]
    filled: Filled


def inbox_in(folder: Path, corpus: Corpus, tell: Tell) -> Filled:
    """Have the inbox of this corpus in the folder, and say what making it takes, or took.

    Raises:
        OtherInboxError: there is another one.
    """
    file, label = folder / "tickets.sqlite", folder / _LABEL
    fields = {spec.name: [*IndexedFields(spec).scalars, *IndexedFields(spec).lists] for spec in FILLED}
    if label.exists():
        kept = Label.model_validate_json(label.read_bytes())
        if kept.ingredients != corpus.ingredients:
            raise OtherInboxError(f"{folder} holds an inbox of {kept.ingredients}, and not of {corpus.ingredients}")
        if kept.fields != fields:
            raise OtherInboxError(f"{folder}: what is indexed is not what it was when this inbox was made")
        return kept.filled
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("tickets.*"):
        left.unlink()
    began = time.perf_counter()
    fill(file, corpus, tell)
    filled = Filled(
        tickets=corpus.count,
        messages=corpus.count * MESSAGES_PER_TICKET,
        seconds=time.perf_counter() - began,
        mebibytes=file.stat().st_size / 2**20,
    )
    made = Label(ingredients=corpus.ingredients, fields=fields, filled=filled)
    label.write_text(made.model_dump_json(indent=2) + "\n")
    return filled
