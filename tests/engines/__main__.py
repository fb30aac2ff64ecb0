"""`python -m engines -- COMMAND`: the command, with engines at hand for as long as it runs."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from engines.errors import EnginesError
from engines.selection import Engine, documents, kafka
from engines.settings import EngineSettings

_EPILOG = """\
examples:
  python -m engines -- pytest -m engines
  python -m engines --kafka-nodes 3 -- pytest tests/faults -k kafka
  python -m engines --only documents -- pytest libs/service-kit -k mongo
  python -m engines -- bash            # a shell with DESKBUS_TEST_KAFKA_URL and DESKBUS_TEST_MONGO_URL set

What DESKBUS_TEST_KAFKA_URL or DESKBUS_TEST_MONGO_URL already name is used as it is. Else an engine runs in a container
if Docker answers and has the image, else on this machine: Kafka on Java (fetched by mvn), and mongod, or FerretDB
(built by go). Fetched files stay in DESKBUS_ENGINES_CACHE, by default ~/.cache/deskbus-engines.
"""
_KINDS = ("kafka", "documents")
_FAILED = 1
_NOT_FOUND = 127


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code, or 1 when an engine cannot be had."""
    options = _parser().parse_args(arguments)
    settings = EngineSettings()
    try:
        with ExitStack() as running:
            given: dict[str, str] = {}
            engines: list[Engine] = []
            if options.only in (None, "kafka"):
                engines.append(running.enter_context(kafka(settings, nodes=options.kafka_nodes)))
                given["DESKBUS_TEST_KAFKA_URL"] = engines[-1].url
            if options.only in (None, "documents"):
                engines.append(running.enter_context(documents(settings)))
                given["DESKBUS_TEST_MONGO_URL"] = engines[-1].url
            for engine in engines:
                _say(f"engine: {engine}")
            given["DESKBUS_TEST_ENGINES"] = "; ".join(map(str, engines))
            return _run(options.command, given)
    except EnginesError as error:
        _say(f"engines: {error}")
        return _FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engines",
        description="Run a command with the engines of production at hand.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kafka-nodes", type=int, choices=(1, 3), default=1, help="size of the Kafka cluster")
    parser.add_argument("--only", choices=_KINDS, help="start this one alone")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="what to run, after --")
    return parser


def _run(command: Sequence[str], given: dict[str, str]) -> int:
    """The command's exit code, as a shell would give it. Signals to this process reach the command."""
    try:
        child = subprocess.Popen(command, env={**os.environ, **given})  # noqa: S603 - the user's own command
    except OSError as error:
        _say(f"engines: {command[0]}: {error.strerror}")
        return _NOT_FOUND
    # A terminal sends Ctrl-C to both: the command decides what it means.
    signal.signal(signal.SIGINT, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: child.send_signal(received))
    code = child.wait()
    return code if code >= 0 else 128 - code


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
