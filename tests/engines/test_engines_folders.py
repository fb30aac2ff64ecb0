import subprocess
import sys
from pathlib import Path

from engines.folders import DataFolder

_OWNER = """
import os, signal, sys
from pathlib import Path
from engines.folders import DataFolder

folder = DataFolder(Path(sys.argv[1]))
(folder.path / "data").mkdir()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_owner_left_is_removed_at_the_next_start(tmp_path: Path):
    """Killed test runs do not fill the disk; what others still use is left alone."""
    kept = DataFolder(tmp_path)
    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", _OWNER, str(tmp_path)], env={"PYTHONPATH": str(Path(__file__).parents[1])}, check=False
    )
    left = set(tmp_path.iterdir()) - {kept.path}
    assert len(left) == 1
    fresh = DataFolder(tmp_path)

    assert set(tmp_path.iterdir()) == {kept.path, fresh.path}
    kept.remove()
    fresh.remove()
    assert not list(tmp_path.iterdir())
