"""The commands for dead letters."""

from typing import Annotated

import typer

from deskbus.terminal import HomeOption, chosen_settings, err, out, run_to_end

dead_letters_app = typer.Typer(
    no_args_is_help=True,
    help="Records that a service could never handle. Example: `deskbus dead-letters list`.",
)

TopicOption = Annotated[
    str | None, typer.Option("--topic", help="Of this topic only. Example: `--topic inbound-messages-v1`.")
]
GroupOption = Annotated[
    str | None, typer.Option("--group", help="Set aside by this service only. Example: `--group tickets`.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", help="For this reason only. Example: `--reason invalid`.")
]


@dead_letters_app.command("list")
def dead_letters_list(
    topic: TopicOption = None,
    group: GroupOption = None,
    reason: ReasonOption = None,
    replayed: Annotated[bool, typer.Option("--replayed", help="Also those that were put back.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
    home: HomeOption = None,
) -> None:
    """Say which records were set aside and why, oldest first; without keys and bodies.

    Examples: `deskbus dead-letters list`, `deskbus dead-letters list --group tickets --reason invalid --json`.
    """
    from deskbus.dead_letters.commands import run_list  # noqa: PLC0415 - it imports the engines
    from deskbus.dead_letters.letters import Wanted  # noqa: PLC0415

    wanted = Wanted(topic, group, reason, replayed)
    run_to_end(run_list(out, chosen_settings(home), wanted, limit=limit, as_json=as_json))


@dead_letters_app.command("show")
def dead_letters_show(
    letter_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `list` says it. Example: `inbound-messages-v1/tickets/0-12`.")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="The body as it came: it may hold what a customer wrote.")] = False,
    home: HomeOption = None,
) -> None:
    """Show one record that was set aside, with its key and headers.

    Example: `deskbus dead-letters show inbound-messages-v1/tickets/0-12`.
    """
    from deskbus.dead_letters.commands import run_show  # noqa: PLC0415

    run_to_end(run_show(out, chosen_settings(home), letter_id, raw=raw))


@dead_letters_app.command("replay")
def dead_letters_replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As `list` says them.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that fit the options, instead of ids.")] = False,
    topic: TopicOption = None,
    group: GroupOption = None,
    reason: ReasonOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="With `--all`: at most so many.")] = 1000,
    again: Annotated[bool, typer.Option("--again", help="Also those that were put back before.")] = False,
    home: HomeOption = None,
) -> None:
    """Put records back on their topic under their own keys, after the cause was mended; twice changes nothing.

    Examples: `deskbus dead-letters replay inbound-messages-v1/tickets/0-12`,
    `deskbus dead-letters replay --all --group tickets --reason invalid`.
    """
    from deskbus.dead_letters.commands import run_replay  # noqa: PLC0415
    from deskbus.dead_letters.letters import Wanted  # noqa: PLC0415

    if bool(ids) == everything or (ids and (topic or group or reason)):
        err.print("Give ids, or [b]--all[/b] with [b]--topic[/b], [b]--group[/b], [b]--reason[/b] if you like.")
        raise typer.Exit(2)
    wanted = Wanted(topic, group, reason, replayed=again) if everything else None
    run_to_end(run_replay(out, err, chosen_settings(home), ids or (), wanted=wanted, limit=limit, again=again))
