import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deskbus.home import Home, HomeTakenError

_HOLDER = """
import sys
from pathlib import Path
from deskbus.home import Home
with Home(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_has_one_owner_at_a_time(tmp_path: Path) -> None:
    """A second process is refused in one sentence that names the first; when that one leaves, the next may enter."""
    with Home(tmp_path / "home") as home, pytest.raises(HomeTakenError) as refused, Home(home.path):
        pass
    with Home(tmp_path / "home"):
        entered_again = True

    assert f"process {(tmp_path / 'home/lock').read_text().strip()}" in str(refused.value)
    assert "DESKBUS_HOME" in str(refused.value)
    assert entered_again


def test_the_lock_of_a_killed_process_holds_nobody_up(tmp_path: Path) -> None:
    """The lock goes with its process, however that ends: a file left behind means nothing."""
    command = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:  # noqa: S603 - our own program
        assert holder.stdout is not None
        held = holder.stdout.readline()
        with pytest.raises(HomeTakenError, match=str(holder.pid)), Home(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
    with Home(tmp_path):
        entered = True

    assert held == "held\n"
    assert entered


def test_the_secret_key_is_made_once_and_private(tmp_path: Path) -> None:
    """Every start has the same key, and nobody else may read it."""
    with Home(tmp_path / "home") as home:
        first = home.secret_key()
    with Home(tmp_path / "home") as home:
        second = home.secret_key()

    assert first == second
    assert len(first) >= 32
    assert mode(home.path / "secret.key") == 0o600
    assert mode(home.path) == 0o700


def test_two_homes_have_different_keys(tmp_path: Path) -> None:
    """A key is made at random, not derived from anything that two machines share."""
    with Home(tmp_path / "one") as one, Home(tmp_path / "two") as two:
        keys = {one.secret_key(), two.secret_key()}

    assert len(keys) == 2


def test_the_owner_is_written_for_this_user_only(tmp_path: Path) -> None:
    """`owner.json` holds a password: it is private from its first byte on, and replaced whole."""
    home = Home(tmp_path)
    before = home.owner()
    home.write_owner({"email": "one@x.example"})
    home.write_owner({"email": "two@x.example"})

    assert before is None
    assert home.owner() == json.loads(home.owner_file.read_text()) == {"email": "two@x.example"}
    assert mode(home.owner_file) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["owner.json"]


def test_commands_learn_where_the_engine_listens(tmp_path: Path) -> None:
    """The engine's URL, which opens everything, is private too; before the first start there is none."""
    home = Home(tmp_path)
    before = home.engine_url()
    home.write_engine_url("redis://127.0.0.1:1234/0")

    assert before is None
    assert home.engine_url() == "redis://127.0.0.1:1234/0"
    assert mode(tmp_path / "engine.url") == 0o600
