"""`python -m deploy`, which CI runs: it never hangs, and never passes in silence where it could prove nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(120)]


def _ran(path: Path, **given: str) -> "subprocess.CompletedProcess[str]":
    """With these programs and no others; tests are only collected."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DESKBUS_")}
    told = {**inherited, "PATH": str(path), "PYTHONPATH": str(ROOT / "tests"), **given}
    command = [sys.executable, "-m", "deploy", "--collect-only", "-q", "-n", "0"]
    return subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)  # noqa: S603


def test_where_no_engine_can_be_had_it_says_so(tmp_path: Path) -> None:
    """It is no failure of ours, and nobody shall take it for a proof."""
    done = _ran(tmp_path)

    assert done.returncode == 0
    assert "NOT DEPLOYED: no Docker engine answers" in done.stderr


def test_it_ends_when_its_time_is_up(tmp_path: Path) -> None:
    """Whatever it is doing then is ended with it."""
    done = _ran(tmp_path, DESKBUS_DEPLOY_SHORT_SECONDS="0.2")

    assert done.returncode == 124
    assert "NOT DEPLOYED: not within 0.2 s" in done.stderr
