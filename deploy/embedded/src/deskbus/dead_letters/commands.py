"""List, show and replay dead letters."""

import json
from collections.abc import Sequence
from contextlib import aclosing
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from deskbus.attached import attached_engines
from deskbus.dead_letters.letters import Letter, LetterBox, Wanted, opened_letter_box
from service_kit.clock import SystemClock
from service_kit.settings import PlatformSettings

_AT_ONCE = 100
"""Letters between two notes of progress: so many may be put back twice if the command dies."""


async def run_list(console: Console, settings: PlatformSettings, wanted: Wanted, *, limit: int, as_json: bool) -> None:
    """Print at most `limit` letters, place by place, oldest first."""
    async with attached_engines(settings) as engines, opened_letter_box(engines, wanted.places()) as box:
        found = await _first(box, wanted, limit)
    if as_json:
        for letter in found:
            console.print(json.dumps(letter.described()), soft_wrap=True, highlight=False, markup=False)
        return
    console.print(_table(found))


async def run_show(console: Console, settings: PlatformSettings, letter_id: str, *, raw: bool) -> None:
    """Print one letter with its key and headers, or its body as it came."""
    places = _place_of(letter_id).places()
    async with attached_engines(settings) as engines, opened_letter_box(engines, places) as box:
        letter = await box.get(letter_id)
    shown = {**letter.described(), "key": letter.letter.key, "headers": letter.letter.headers}
    text = letter.letter.value.decode(errors="replace") if raw else json.dumps(shown, indent=2)
    console.print(text, soft_wrap=True, highlight=False, markup=False)


async def run_replay(
    console: Console,
    errors: Console,
    settings: PlatformSettings,
    ids: Sequence[str],
    *,
    wanted: Wanted | None,
    limit: int,
    again: bool,
) -> None:
    """Put back these letters, or those of a query; say of each that was put back before when, and leave it.

    With `again` those are put back once more.
    """
    asked = [wanted] if wanted is not None else [_place_of(one) for one in ids]
    places = [place for one in asked for place in one.places()]
    async with attached_engines(settings) as engines, opened_letter_box(engines, places) as box:
        if wanted is not None:
            chosen = await _first(box, wanted, limit)
        else:
            chosen = [await box.get(one) for one in dict.fromkeys(ids)]
        fresh = [one for one in chosen if again or one.replayed_at is None]
        for letter in chosen:
            if letter.replayed_at is not None and not again:
                said = f"{letter.id} was put back already, on {letter.replayed_at:%Y-%m-%d %H:%M}Z"
                console.print(said, highlight=False, markup=False, soft_wrap=True)
        await _put_back(errors, box, fresh)
    console.print(
        f"{len(fresh)} of {len(chosen)} dead letters are back on their topics", highlight=False, soft_wrap=True
    )


async def _put_back(errors: Console, box: LetterBox, letters: Sequence[Letter]) -> None:
    """In batches of one place each; a bar on a terminal, else a JSON object a line for each batch."""
    clock, done = SystemClock(), 0
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("putting back", total=len(letters))
        for place, group in groupby(letters, key=lambda letter: letter.place):
            of_place = list(group)
            for begin in range(0, len(of_place), _AT_ONCE):
                batch = of_place[begin : begin + _AT_ONCE]
                await box.put_back(place, batch, clock.now())
                done += len(batch)
                progress.advance(task, len(batch))
                if not errors.is_terminal:
                    said = {"topic": place.topic.name, "group": place.group, "done": done, "of": len(letters)}
                    errors.print(json.dumps(said), highlight=False, markup=False)


async def _first(box: LetterBox, wanted: Wanted, limit: int) -> list[Letter]:
    found: list[Letter] = []
    async with aclosing(box.find(wanted)) as letters:
        async for letter in letters:
            found.append(letter)
            if len(found) >= limit:
                break
    return found


def _place_of(letter_id: str) -> Wanted:
    topic, _, rest = letter_id.partition("/")
    return Wanted(topic=topic, group=rest.partition("/")[0])


def _table(found: Sequence[Letter]) -> Table:
    table = Table("id", "type", "reason", "error", "attempts", "bytes", "replayed")
    table.columns[0].no_wrap = True
    for letter in found:
        said = letter.described()
        cells = (said["id"], said["type"], said["reason"], said["error"], said["attempts"], said["bytes"])
        table.add_row(*(escape(str("" if cell is None else cell)) for cell in cells), said["replayed_at"] or "")
    return table
