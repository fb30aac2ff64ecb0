import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engines.tether import Tethered

_SECONDS = 30
_OWNER = """
import sys, threading
from pathlib import Path
from engines.tether import Tethered

def run():
    engine = Tethered(["/bin/sleep", "600"], folder=Path("."), log_path=Path("log"))
    if sys.argv[1] == "suspended":
        engine.suspend()
    print(engine.pid, flush=True)

starter = threading.Thread(target=run)
starter.start()
starter.join()
print("the thread has ended", flush=True)
sys.stdin.read()
"""


def _runs(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    try:
        os.kill(pid, 0)
        # Dead, but not yet collected by the system's first process.
        return not state.parent.parent.is_dir() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + _SECONDS
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize("state", ["running", "suspended"])
def test_a_killed_owner_leaves_no_engine_behind(tmp_path: Path, state: str):
    """SIGKILL gives the owner no chance to tidy up, and a suspended engine hears nothing milder."""
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", _OWNER, state],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert owner.stdout.readline()
        assert _runs(pid), "it outlives the thread that started it"
        owner.kill()
    _wait_until_gone(pid)

    assert not _runs(pid)


def test_an_engine_that_ended_takes_its_watcher_along(tmp_path: Path):
    """Nobody of the engine's process group is left, however the engine ended."""
    engine = Tethered(["/bin/sh", "-c", "exit 3"], folder=tmp_path, log_path=tmp_path / "log")
    engine.wait(_SECONDS)
    deadline = time.monotonic() + _SECONDS
    while (left := _group_lives(engine.pid)) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert not left
    assert engine.code == 3


def _group_lives(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True
