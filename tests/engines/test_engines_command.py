import os
import signal
import subprocess
import sys
from pathlib import Path

_ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(Path(__file__).parents[1]),
    "DESKBUS_TEST_KAFKA_URL": "kafka://deskbus:hidden@10.0.0.1:9092",
    "DESKBUS_TEST_MONGO_URL": "mongodb://10.0.0.1/",
}


def _engines(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "engines", *arguments]


def test_given_engines_are_passed_on_and_named_without_their_password():
    """Nothing is started for what the environment names; the exit code is the command's."""
    show = "from os import environ; print(environ['DESKBUS_TEST_KAFKA_URL'], environ['DESKBUS_TEST_ENGINES']); exit(7)"
    done = subprocess.run(  # noqa: S603 - our own command
        _engines("--", sys.executable, "-c", show), env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 7
    assert done.stdout.startswith("kafka://deskbus:hidden@10.0.0.1:9092 Kafka at 10.0.0.1:9092, given by")
    assert "document engine at 10.0.0.1, given by DESKBUS_TEST_MONGO_URL" in done.stderr
    assert "hidden" not in done.stderr


def test_a_termination_reaches_the_command():
    """Whoever stops the engines stops what runs on them, and learns how it ended."""
    wait = "import sys; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(  # noqa: S603 - our own command
        _engines("--", sys.executable, "-c", wait),
        env=_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        code = running.wait(30)

    assert code == 128 + signal.SIGTERM


def test_a_command_that_does_not_exist_is_named():
    """As a shell says it."""
    done = subprocess.run(  # noqa: S603 - our own command
        _engines("--", "no-such-command"), env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 127
    assert "no-such-command: No such file" in done.stderr


def test_help_shows_examples():
    """The first question is how to run tests with it."""
    done = subprocess.run(  # noqa: S603 - our own command
        _engines("--help"), env=_ENVIRONMENT, capture_output=True, text=True, check=True
    )

    assert "python -m engines -- pytest -m engines" in done.stdout
