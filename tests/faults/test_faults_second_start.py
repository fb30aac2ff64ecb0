"""One home, one system: a second start says so at once, and the lock dies with its holder."""

from pathlib import Path
from random import Random

import pytest

from faults.drama import Stage, played
from faults.system import System

pytestmark = [pytest.mark.faults]


async def test_a_second_start_on_a_home_ends_at_once(stage: Stage, tmp_path: Path, chance: Random) -> None:
    """It names the folder and the process that holds it, changes nothing there, and works once that one is killed."""
    async with played(stage, tmp_path, chance, customers=3) as drama:
        await drama.system.boot()
        second = System(drama.system.home, {})
        second.start()
        code = await second.until_dead(seconds=3)
        said = " ".join(drama.system.output.split())
        await drama.system.until_ready(seconds=3)
        holder = drama.system.pid
        drama.system.kill()
        await drama.system.until_dead()
        await drama.system.boot()

    assert code == 1
    assert f"Deskbus already runs on {drama.system.home} (process {holder})." in said
    assert "Stop it first, or give this one another folder with DESKBUS_HOME." in said
