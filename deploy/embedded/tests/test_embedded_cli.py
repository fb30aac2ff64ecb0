from pathlib import Path

import pytest
from typer.testing import CliRunner

from deskbus.cli import app
from end_to_end.process import deskbus_environment, run_deskbus

COMMANDS = (
    ["up"],
    ["run"],
    ["init"],
    ["routes"],
    ["demo"],
    ["account"],
    ["account", "create"],
    ["replay"],
    ["quarantine"],
    ["quarantine", "list"],
    ["quarantine", "show"],
    ["quarantine", "replay"],
    ["dead-letters"],
    ["dead-letters", "list"],
    ["dead-letters", "show"],
    ["dead-letters", "replay"],
    ["doctor"],
    ["health"],
    ["check-config"],
    ["version"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_of_every_command_shows_an_example(command: list[str]) -> None:
    """Whoever asks for help sees how the command is written."""
    result = CliRunner().invoke(app, [*command, "--help"], terminal_width=200)

    assert result.exit_code == 0
    assert "Example" in result.output
    assert f"deskbus {command[0]}" in result.output


def test_help_names_every_command() -> None:
    """The list of commands is what there is."""
    result = CliRunner().invoke(app, ["--help"], terminal_width=200)

    assert all(command[0] in result.output for command in COMMANDS)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"http_port": "banana"}, ["DESKBUS_HTTP_PORT"]),
        ({"smtp_port": "0", "allow_private_urls": "perhaps"}, ["DESKBUS_SMTP_PORT", "DESKBUS_ALLOW_PRIVATE_URLS"]),
        ({"log_level": "loud"}, ["DESKBUS_LOG_LEVEL"]),
    ],
    ids=["not-a-number", "two-at-once", "no-such-level"],
)
def test_an_environment_that_is_not_valid_is_told_line_by_line(
    tmp_path: Path, settings: dict[str, str], named: list[str]
) -> None:
    """Each setting that does not fit is one line that names it; the exit code is 2, and nothing is started."""
    finished = run_deskbus("up", environment=deskbus_environment(tmp_path / "home", **settings))
    lines = finished.stderr.strip().splitlines()

    assert finished.returncode == 2
    assert sorted(line.partition(":")[0] for line in lines) == sorted(named)
    assert not (tmp_path / "home").exists()


def test_the_settings_are_shown_without_secrets(tmp_path: Path) -> None:
    """`check-config` says what the environment comes to, and never shows the key or an engine's password."""
    environment = deskbus_environment(
        tmp_path / "home",
        secret_key="a-key-nobody-should-see",
        bus_url="kafka://ada:nobody-should-see@one:9092",
        smtp_port=2626,
    )
    finished = run_deskbus("check-config", environment=environment)

    assert finished.returncode == 0
    assert "DESKBUS_SMTP_PORT = 2626" in finished.stdout
    assert "DESKBUS_SECRET_KEY" in finished.stdout
    assert "kafka://ada:***@one:9092" in finished.stdout
    assert "nobody-should-see" not in finished.stdout + finished.stderr
