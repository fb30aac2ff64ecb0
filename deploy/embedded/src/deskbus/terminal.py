"""What every command shares: where it writes, how it reads the environment, and how it ends."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings
from service_kit.telemetry import configure_logging

T = TypeVar("T")

_PLAIN_WIDTH = 150
"""Where no terminal says how wide it is, tables are written for reading in a file."""

out = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
err = Console(stderr=True, soft_wrap=True)

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where everything is kept. Example: `--home /srv/deskbus`. Default: $DESKBUS_HOME."),
]


def chosen_settings(home: Path | None) -> PlatformSettings:
    """The settings of the environment, with this home if one is given; a line for each that does not fit, and exit."""
    try:
        settings = PlatformSettings() if home is None else PlatformSettings(home=home)
    except ValidationError as error:
        for problem in error.errors():
            field = "_".join(str(part) for part in problem["loc"]).upper()
            err.print(f"[red]DESKBUS_{field}[/red]: {problem['msg']}")
        raise typer.Exit(2) from error
    configure_logging(settings.log_level, json=not sys.stderr.isatty())
    return settings


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; our own errors are one sentence on standard error, never a stack trace."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except DeskbusError as error:
        err.print(f"[red]deskbus:[/red] {escape(str(error))}")
        raise typer.Exit(1) from error
