"""Raw mail and attachments: the port, its errors, and the folder that serves a single machine."""

import asyncio
import os
import re
import secrets
from pathlib import Path
from typing import Protocol

from service_kit.errors import PermanentError, Unavailable

_SEGMENT = re.compile(r"[A-Za-z0-9_@=+~-][A-Za-z0-9_@=+~.:-]{0,199}")
_SEGMENTS = range(2, 9)
_INCOMING = ".incoming"
"""Where files are written before they get their name. No key's segment may begin with a dot."""


class BlobMissing(PermanentError):
    """Nothing is stored under that key."""

    code = "blob_missing"


class InvalidBlobKey(PermanentError):
    """A key that is not `<account_id>/<kind>/<id>` of plain characters: it could leave the folder."""

    code = "invalid_blob_key"


class BlobsUnavailable(Unavailable):
    """The blob store did not confirm (disk full, not writable, down)."""


class Blobs(Protocol):
    """Bytes under keys such as `<account_id>/<kind>/<id>`. A key's content never changes."""

    async def put(self, key: str, data: bytes) -> None:
        """Store; returns when it survives a power cut. Putting the same key again is harmless.

        Raises:
            BlobsUnavailable: nothing may be acknowledged to a sender.
        """

    async def get(self, key: str) -> bytes:
        """What is stored.

        Raises:
            BlobMissing: nothing is.
            BlobsUnavailable: the store could not be read.
        """

    async def delete(self, key: str) -> None:
        """Remove; harmless if nothing is there.

        Raises:
            BlobsUnavailable: it may still be there.
        """


def checked_key(key: str) -> str:
    """The key itself, if it may name a file or an object.

    Raises:
        InvalidBlobKey: it could climb out of the folder or clash with a temporary file.
    """
    segments = key.split("/")
    if len(segments) not in _SEGMENTS or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise InvalidBlobKey("a blob key is two to eight segments of letters, digits and _ @ = + ~ . : - joined by /")
    return key


class FolderBlobs:
    """Files in one folder, for one machine; several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._root = path

    async def put(self, key: str, data: bytes) -> None:
        """Write aside, sync, rename, sync the folder."""
        await asyncio.to_thread(self._put, self._file(key), data)

    async def get(self, key: str) -> bytes:
        """Read the file."""
        return await asyncio.to_thread(self._get, self._file(key))

    async def delete(self, key: str) -> None:
        """Unlink the file and sync the folder."""
        await asyncio.to_thread(self._delete, self._file(key))

    def remove_leftovers(self) -> int:
        """Delete what a crash left half written; only before anybody writes. How many files it was."""
        leftovers = list((self._root / _INCOMING).glob("*"))
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return len(leftovers)

    def _file(self, key: str) -> Path:
        return self._root / checked_key(key)

    def _put(self, file: Path, data: bytes) -> None:
        temporary = self._root / _INCOMING / secrets.token_hex(16)
        try:
            _make_folder(temporary.parent)
            _make_folder(file.parent)
            try:
                _write_synced(temporary, data)
                temporary.rename(file)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _sync_folder(file.parent)
        except OSError as error:
            raise BlobsUnavailable(f"a blob could not be stored: {error.strerror}") from error

    def _get(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except FileNotFoundError as error:
            raise BlobMissing("the blob is not there (any more)") from error
        except OSError as error:
            raise BlobsUnavailable(f"a blob could not be read: {error.strerror}") from error

    def _delete(self, file: Path) -> None:
        try:
            file.unlink()
            _sync_folder(file.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise BlobsUnavailable(f"a blob could not be deleted: {error.strerror}") from error


def _write_synced(file: Path, data: bytes) -> None:
    with file.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _make_folder(folder: Path) -> None:
    """Create a folder and those above it so that each new name survives a power cut."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
