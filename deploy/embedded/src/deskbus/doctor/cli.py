"""The commands that look at a configuration and at the engines behind it."""

from typing import Annotated

import typer

from deskbus.terminal import HomeOption, err, out, run_to_end
from service_kit.telemetry import configure_logging

_NOT_USABLE = 2


def check_config(
    production: Annotated[
        bool, typer.Option("--production", help="Also refuse what `deskbus run` would: engines that are not named.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Say whether the settings of every service are valid, and what they come to, without passwords.

    All that is wrong is said at once, a line each: the variable, what it must be, an example; the exit code is 2 then.
    Examples: `deskbus check-config`, `deskbus check-config --production`.
    """
    from deskbus.doctor.check_config import run_check_config  # noqa: PLC0415 - it imports what services set

    if not run_to_end(run_check_config(out, err, for_production=production, home=home)):
        raise typer.Exit(_NOT_USABLE)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, for programs.")] = False,
    home: HomeOption = None,
) -> None:
    """Look at everything that the services stand on, and say what is wrong and what to do.

    It connects to the bus, the stores, Redis and the blobs as the services do, and consumes nothing. The exit code is
    1 where something is wrong, 2 where the settings already are. Examples: `deskbus doctor`, `deskbus doctor --json`.
    """
    from deskbus.doctor.examination import run_doctor  # noqa: PLC0415 - it imports the services' own settings

    configure_logging("ERROR", json=True)  # what clients log while they try is the doctor's to say
    code = run_to_end(run_doctor(out, home=home, as_json=as_json))
    if code:
        raise typer.Exit(code)
