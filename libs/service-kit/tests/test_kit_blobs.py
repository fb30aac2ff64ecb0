import errno
import os
from pathlib import Path

import pytest

from service_kit.blobs import BlobMissing, BlobsUnavailable, FolderBlobs, InvalidBlobKey

KEY = "acc_1/mail/raw_1"


def files_in(folder: Path) -> list[str]:
    """The names of all files below a folder."""
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_gives_back_what_was_put(tmp_path: Path):
    """Bytes come back as they were, also from another process's view of the folder."""
    content = bytes(range(256)) * 100
    await FolderBlobs(tmp_path).put(KEY, content)

    assert await FolderBlobs(tmp_path).get(KEY) == content


async def test_putting_again_is_harmless(tmp_path: Path):
    """A redelivery puts the same key once more (I4)."""
    blobs = FolderBlobs(tmp_path)
    await blobs.put(KEY, b"mail")
    await blobs.put(KEY, b"mail")

    assert await blobs.get(KEY) == b"mail"
    assert files_in(tmp_path) == ["raw_1"]


async def test_delete(tmp_path: Path):
    """What is deleted is missing; deleting nothing is harmless."""
    blobs = FolderBlobs(tmp_path)
    await blobs.put(KEY, b"mail")
    await blobs.delete(KEY)
    await blobs.delete(KEY)

    with pytest.raises(BlobMissing):
        await blobs.get(KEY)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "acc_1",
        "/etc/passwd",
        "acc_1/../../etc/passwd",
        "acc_1/./raw_1",
        "acc_1//raw_1",
        "acc_1/.incoming",
        "acc_1/mail/raw\x00",
        "acc_1/mail/raw_1\n",
        "acc_1\\mail",
        "acc_1/mail/" + "x" * 201,
        "/".join(["a"] * 9),
    ],
)
async def test_keys_cannot_leave_the_folder(tmp_path: Path, key: str):
    """A key is plain segments only, so that no path outside the folder can be named (S4)."""
    blobs = FolderBlobs(tmp_path)

    with pytest.raises(InvalidBlobKey):
        await blobs.put(key, b"x")
    with pytest.raises(InvalidBlobKey):
        await blobs.get(key)
    with pytest.raises(InvalidBlobKey):
        await blobs.delete(key)


async def test_a_put_is_synced_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The file is synced before it gets its name and every new folder entry after that (X0)."""
    synced: list[str] = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path).as_posix())
        real_fsync(descriptor)

    def rename(source: Path, target: Path) -> Path:
        synced.append("rename")
        return real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    await FolderBlobs(tmp_path / "blobs").put(KEY, b"mail")

    assert synced[:5] == [".", "blobs", "blobs", "blobs/acc_1", synced[4]]
    assert synced[4].startswith("blobs/.incoming/")
    assert synced[5:] == ["rename", "blobs/acc_1/mail"]


async def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When the disk is full nothing is acknowledged, and the half-written file is gone."""

    def fsync(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    blobs = FolderBlobs(tmp_path)
    await blobs.put("acc_1/mail/earlier", b"mail")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(BlobsUnavailable, match="No space left"):
            await blobs.put(KEY, b"mail")

    assert files_in(tmp_path) == ["earlier"]
    with pytest.raises(BlobMissing):
        await blobs.get(KEY)


async def test_an_unusable_folder_is_unavailable(tmp_path: Path):
    """A folder that cannot be used is a passing trouble, not a missing blob."""
    (tmp_path / "blobs").write_text("a file where the folder should be")
    blobs = FolderBlobs(tmp_path / "blobs")

    with pytest.raises(BlobsUnavailable):
        await blobs.put(KEY, b"mail")
    with pytest.raises(BlobsUnavailable):
        await blobs.get(KEY)


async def test_leftovers_of_a_crash_are_removed(tmp_path: Path):
    """What a killed process left half written is removed at start; finished blobs stay."""
    blobs = FolderBlobs(tmp_path)
    await blobs.put(KEY, b"mail")
    (tmp_path / ".incoming" / "half").write_bytes(b"ma")

    assert blobs.remove_leftovers() == 1
    assert blobs.remove_leftovers() == 0
    assert await blobs.get(KEY) == b"mail"
