"""What is shown while something is fetched: a bar on a terminal, plain lines elsewhere. On standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Advance = Callable[[], None]


@contextmanager
def progress(what: str, *, steps: int | None = None) -> Iterator[Advance]:
    """Show that `what` goes on until the block ends; the block calls what it gets once for each of the steps."""
    console = Console(stderr=True)
    if not console.is_terminal:
        with _lines(what):
            yield lambda: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=steps)
        yield lambda: bar.advance(task)


@contextmanager
def _lines(what: str) -> Iterator[None]:
    begun_at = time.monotonic()
    sys.stderr.write(f"{what} …\n")
    sys.stderr.flush()
    yield
    sys.stderr.write(f"{what}: done in {time.monotonic() - begun_at:.1f} s\n")
    sys.stderr.flush()
