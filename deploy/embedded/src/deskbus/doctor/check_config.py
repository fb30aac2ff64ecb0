"""`deskbus check-config`: everything that the environment sets, and everything that is wrong with it."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from deskbus.doctor.configuration import read_configuration
from deskbus.masked_urls import masked


async def run_check_config(
    console: Console, errors: Console, *, for_production: bool, home: Path | None = None
) -> bool:
    """Print the settings without passwords, and each fault in a line; whether every process would start."""
    configuration = await read_configuration(for_production=for_production, home=home)
    for settings, values in configuration.read:
        for field, value in values.model_dump(mode="json").items():
            shown = masked(value) if isinstance(value, str) else value
            console.print(f"{settings.variable(field)} = {shown!r}", highlight=False, markup=False, soft_wrap=True)
    for fault in configuration.faults:
        colour = "red" if fault.is_fatal else "yellow"
        errors.print(f"[{colour}]{escape(fault.variable)}[/{colour}]{escape(str(fault).removeprefix(fault.variable))}")
    return configuration.is_usable
