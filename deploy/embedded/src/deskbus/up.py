"""`deskbus up`: start, say where everything is, and run until told to stop."""

from rich.console import Console
from rich.markup import escape

from deskbus.embedded import Running, run_embedded
from deskbus.home import Home
from deskbus.run_demo import run_story
from deskbus.told_to_stop import until_told_to_stop
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings
from service_kit.settled_heap import spare_what_stays
from service_kit.telemetry import configure_logging


async def run_up(console: Console, settings: PlatformSettings, *, demo: bool) -> None:
    """Run the embedded system in this process.

    Raises:
        DeskbusError: the home is taken, a port is in use, an engine does not start; the text says what to do.
    """
    with Home(settings.home) as home:
        configure_logging(settings.log_level, json=True, file=home.log_file)
        async with run_embedded(settings, home) as running:
            spare_what_stays()
            console.print(ready_line(running), highlight=False, soft_wrap=True)
            if demo:
                await _tell_the_story(console, running)
            await until_told_to_stop()
            console.print("Stopping: doors, consumers, outbox, engines …", highlight=False)


async def _tell_the_story(console: Console, running: Running) -> None:
    """The demonstration; the system goes on whatever becomes of it."""
    try:
        await run_story(console, running.settings, running.home)
    except DeskbusError as error:
        console.print(f"[red]The demonstration did not finish:[/red] {escape(str(error))}")


def ready_line(running: Running) -> str:
    """The one line that says that all is ready, and where."""
    settings = running.settings
    return (
        f"Deskbus is ready: API {running.base_url}/docs · widget {running.base_url}/widget-demo · "
        f"mail smtp://{settings.http_host}:{settings.smtp_port} · "
        f"owner {running.home.owner_file} · log {running.home.log_file}"
    )
