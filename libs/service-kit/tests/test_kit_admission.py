import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service_kit.admission import DiskAdmission, StorageFull, free_bytes
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock

MEBIBYTE = 1024 * 1024
MINIMUM = 4 * MEBIBYTE


class Disk:
    """A disk of a size the test chooses; what files really take in the folder is counted."""

    def __init__(self, folder: Path, free: int) -> None:
        self.folder = folder
        self.free_without_files = free
        self.measured = 0

    def measure(self, path: Path) -> int:
        """Free space as the system would tell it."""
        self.measured += 1
        return self.free_without_files - sum(file.stat().st_blocks * 512 for file in path.iterdir())


@pytest.fixture
def clock() -> ManualClock:
    """The clock of the admission's cache."""
    return ManualClock(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk with room enough."""
    return Disk(tmp_path, 100 * MEBIBYTE)


@pytest.fixture
def admission(disk: Disk, clock: ManualClock) -> DiskAdmission:
    """The admission under test, not started."""
    return DiskAdmission(disk.folder, MINIMUM, clock, measure=disk.measure)


def admits(admission: DiskAdmission, clock: ManualClock) -> bool:
    """Whether work is admitted, judged anew."""
    clock.advance(timedelta(seconds=1))
    try:
        admission.check()
    except StorageFull:
        return False
    return True


async def test_refuses_below_the_limit_and_admits_above(admission: DiskAdmission, disk: Disk, clock: ManualClock):
    """Doors close while there is still room to finish what was accepted, and open again by themselves (I3)."""
    await admission.tend()
    before = admits(admission, clock)
    disk.free_without_files = MINIMUM + admission._ballast_bytes - 1
    during = admits(admission, clock)
    disk.free_without_files = 100 * MEBIBYTE
    after = admits(admission, clock)

    assert (before, during, after) == (True, False, True)


def test_a_check_is_cheap(admission: DiskAdmission, disk: Disk, clock: ManualClock):
    """A thousand checks within 0.2 s ask the file system once; a clock put back does not freeze the answer."""
    for _ in range(1000):
        admission.check()
    within = disk.measured
    clock.advance(timedelta(seconds=0.2))
    admission.check()
    clock.advance(timedelta(hours=-1))
    admission.check()

    assert (within, disk.measured) == (1, 3)


async def test_the_ballast_takes_real_space(admission: DiskAdmission, disk: Disk):
    """A sparse file would hold nothing to give up."""
    await admission.tend()
    ballast = disk.folder / "ballast"

    assert ballast.stat().st_size == MINIMUM
    assert ballast.stat().st_blocks * 512 >= MINIMUM


async def test_the_ballast_is_given_up_and_made_again(admission: DiskAdmission, disk: Disk, clock: ManualClock):
    """A full disk gets the ballast's room back for the engines, the door stays shut, and recovery restores both."""
    ballast = disk.folder / "ballast"
    await admission.tend()
    disk.free_without_files = MINIMUM + 100
    await admission.tend()
    given_up = not ballast.exists()
    admitted_on_ballast = admits(admission, clock)
    await admission.tend()
    stays_given_up = not ballast.exists()
    disk.free_without_files = 100 * MEBIBYTE
    await admission.tend()

    assert (given_up, admitted_on_ballast, stays_given_up) == (True, False, True)
    assert ballast.exists()
    assert admits(admission, clock)


async def test_a_ballast_that_does_not_fit_leaves_nothing(
    admission: DiskAdmission, disk: Disk, monkeypatch: pytest.MonkeyPatch
):
    """Running out of space while writing the ballast removes the part that was written."""

    def fsync(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    await admission.tend()

    assert list(disk.folder.iterdir()) == []


def test_an_unmeasurable_disk_refuses(tmp_path: Path, clock: ManualClock):
    """A folder that is gone (an unmounted volume) admits nothing."""
    admission = DiskAdmission(tmp_path / "gone", MINIMUM, clock)

    with pytest.raises(StorageFull, match="measured"):
        admission.check()


async def test_tends_the_ballast_while_it_runs(admission: DiskAdmission, disk: Disk):
    """Started, it puts the ballast down at once and reacts by itself; the file outlives it."""
    ballast = disk.folder / "ballast"
    await admission.start()
    held_at_once = ballast.exists()
    disk.free_without_files = MINIMUM + 100
    await eventually(lambda: not ballast.exists())
    disk.free_without_files = 100 * MEBIBYTE
    await eventually(ballast.exists)
    await admission.stop()

    assert held_at_once
    assert ballast.exists()


def test_measures_the_real_disk(tmp_path: Path, clock: ManualClock):
    """Against the real file system an absurd limit refuses and a limit of nothing admits, without a ballast."""
    free = free_bytes(tmp_path)
    DiskAdmission(tmp_path, 0, clock).check()

    with pytest.raises(StorageFull):
        DiskAdmission(tmp_path, free * 2, clock).check()
    assert list(tmp_path.iterdir()) == []
