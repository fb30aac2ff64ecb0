"""The `deskbus` command."""

from typing import Annotated

import typer

from deskbus.dead_letters.cli import dead_letters_app
from deskbus.doctor.cli import check_config, doctor
from deskbus.terminal import HomeOption, chosen_settings, err, out, run_to_end

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Deskbus: a customer-support inbox. `deskbus up` starts everything on this machine.",
)
account_app = typer.Typer(
    no_args_is_help=True,
    help="Accounts of a running system. Example: `deskbus account create Acme ada@acme.example support@acme.example`.",
)
app.add_typer(account_app, name="account")
quarantine_app = typer.Typer(
    no_args_is_help=True,
    help="Deliveries that the gateways set aside. Example: `deskbus quarantine list`.",
)
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(dead_letters_app, name="dead-letters")
app.command()(doctor)
app.command()(check_config)


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Add demo data, send real traffic, and show what became of it.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Start everything in this process until Ctrl-C.

    Examples: `deskbus up`, `deskbus up --demo`, `DESKBUS_HTTP_PORT=9000 deskbus up --home /srv/deskbus`.
    """
    settings = chosen_settings(home)
    from deskbus.up import run_up  # noqa: PLC0415 - nothing but this needs seven services; refusals must not wait

    run_to_end(run_up(out, settings, demo=demo))


@app.command()
def run(
    service: Annotated[
        str,
        typer.Argument(
            help="tickets, router, ingest-email, ingest-sms, webchat-gateway, notifier or reporting. Example: `router`."
        ),
    ],
) -> None:
    """Run one service in this process, on the engines that the environment names, until SIGTERM.

    Example: `deskbus run tickets`, with DESKBUS_BUS_URL, DESKBUS_STORE_URL, DESKBUS_REDIS_URL, DESKBUS_BLOBS_URL and
    DESKBUS_SECRET_KEY set (the same for every service), after `deskbus init`. It listens at once and waits for
    engines that are not there yet; `/readyz` says for what. On Kafka there may be any number of replicas; on Valkey
    (`redis://` as the bus) only one process for each service.
    """
    from deskbus.run_service import run_service  # noqa: PLC0415

    run_to_end(run_service(chosen_settings(None), service))


@app.command()
def init(
    wait: Annotated[
        float, typer.Option("--wait", min=0, max=3600, help="Seconds to wait for engines. Example: `--wait 60`.")
    ] = 0,
) -> None:
    """Make the topics, collections and indexes that the services need. Doing it again changes nothing.

    Examples: `deskbus init`, `deskbus init --wait 60`.
    """
    from deskbus.init import run_init  # noqa: PLC0415

    run_to_end(run_init(out, err, chosen_settings(None), wait_seconds=wait))


@app.command()
def routes(
    caddy: Annotated[bool, typer.Option("--caddy", help="As a fragment of a Caddyfile.")] = False,
) -> None:
    """Print which path belongs to which service, for the proxy in front of them.

    Examples: `deskbus routes`, `deskbus routes --caddy > routes.caddy`.
    """
    from deskbus.routes import run_routes  # noqa: PLC0415

    run_to_end(run_routes(out, caddy=caddy))


@app.command()
def demo(
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.1, max=1000, help="Messages a second. Example: `--rate 50 --seconds 30`."),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, max=3600, help="How long, with `--rate`.")] = 10,
    home: HomeOption = None,
) -> None:
    """Send real traffic to the running system and account for every message.

    Examples: `deskbus demo` (the story again), `deskbus demo --rate 50 --seconds 30` (steady mixed traffic).
    """
    from deskbus.run_demo import run_demo  # noqa: PLC0415

    settings = chosen_settings(home)
    if not run_to_end(run_demo(out, settings, rate=rate, seconds=seconds)):
        raise typer.Exit(1)


@account_app.command("create")
def account_create(
    name: Annotated[str, typer.Argument(help="The company. Example: `Acme`.")],
    owner_email: Annotated[str, typer.Argument(help="The owner's address, for logging in.")],
    support_address: Annotated[str, typer.Argument(help="Where its customers write. Example: `support@acme.example`.")],
    api_url: Annotated[
        str | None,
        typer.Option("--api-url", help="Where the API answers from here. Example: `--api-url http://proxy:8080`."),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Create an account on a running system: the one on this machine's home, or the one that the environment names.

    Example: `deskbus account create Acme ada@acme.example support@acme.example`. Prints the new owner as JSON.
    """
    from deskbus.create_account import run_create_account  # noqa: PLC0415

    run_to_end(run_create_account(out, chosen_settings(home), name, owner_email, support_address, api_url=api_url))


@app.command()
def replay(
    topic: Annotated[str, typer.Argument(help="Example: `inbound-messages-v1`.")],
    group: Annotated[str, typer.Argument(help="The service whose dead letters to put back. Example: `tickets`.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 1000,
    home: HomeOption = None,
) -> None:
    """Put dead letters back on their topic, in order.

    Example: `deskbus replay inbound-messages-v1 tickets`.
    """
    from deskbus.replay import run_replay  # noqa: PLC0415

    run_to_end(run_replay(out, chosen_settings(home), topic, group, limit))


AccountOption = Annotated[
    str | None, typer.Option("--account", help="Of this account only. Example: `--account acc_1`.")
]


@quarantine_app.command("list")
def quarantine_list(
    account: AccountOption = None,
    replayed: Annotated[bool, typer.Option("--replayed", help="Also what was replayed already.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many of each channel.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
    home: HomeOption = None,
) -> None:
    """Say what is set aside and why, oldest first.

    Examples: `deskbus quarantine list`, `deskbus quarantine list --account acc_1 --replayed --json`.
    """
    from deskbus.quarantine import everything, run_list  # noqa: PLC0415

    run_to_end(
        run_list(out, chosen_settings(home), everything(account, replayed=replayed), limit=limit, as_json=as_json)
    )


@quarantine_app.command("show")
def quarantine_show(
    kept_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` says it. Example: `dlv_1`.")],
    raw: Annotated[bool, typer.Option("--raw", help="The payload as it came: it holds what a customer wrote.")] = False,
    home: HomeOption = None,
) -> None:
    """Show one delivery that is set aside.

    Examples: `deskbus quarantine show qtn_1`, `deskbus quarantine show dlv_1 --raw > mail.eml`.
    """
    from deskbus.quarantine import run_show  # noqa: PLC0415

    run_to_end(run_show(out, chosen_settings(home), kept_id, raw=raw))


@quarantine_app.command("replay")
def quarantine_replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As `list` says them.")] = None,
    everything_waiting: Annotated[bool, typer.Option("--all", help="All that waits, instead of ids.")] = False,
    account: AccountOption = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Whatever the signature says: only for ids that you looked at.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Put deliveries through the same way again, after the cause was mended; twice makes no second message.

    Examples: `deskbus quarantine replay qtn_1 dlv_1`, `deskbus quarantine replay --all --account acc_1`.
    """
    from deskbus.quarantine import everything, run_replay_quarantined  # noqa: PLC0415

    if bool(ids) == everything_waiting or (trust and everything_waiting) or (ids and account):
        err.print("Give ids (with [b]--trust[/b] if you must), or [b]--all[/b] (of one [b]--account[/b] if you like).")
        raise typer.Exit(2)
    query = everything(account) if everything_waiting else None
    run_to_end(run_replay_quarantined(out, chosen_settings(home), ids or (), query=query, trusted=trust))


@app.command()
def health() -> None:
    """Say by the exit code whether the process on this machine is ready: 0, or 1. For container engines.

    Example: `deskbus health`.
    """
    from deskbus.health import is_ready  # noqa: PLC0415

    raise typer.Exit(0 if is_ready(chosen_settings(None).http_port) else 1)


@app.command()
def version() -> None:
    """Print the version. Example: `deskbus version`."""
    from importlib.metadata import version as version_of  # noqa: PLC0415

    out.print(version_of("deskbus"))


if __name__ == "__main__":
    app()
