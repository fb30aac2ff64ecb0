from hashlib import sha256
from pathlib import Path

import pytest

from engines.cache import Cache
from engines.checksums import read_sums, verify
from engines.errors import WrongChecksumError

_RIGHT = {"a.jar": sha256(b"reviewed").hexdigest()}


def _cached(cache: Cache, content: bytes, *, name: str = "a.jar") -> Path:
    def fetch(place: Path) -> None:
        (place / name).write_bytes(content)

    return cache.provide("thing", fetch=fetch, verify=lambda place: verify(place, _RIGHT))


def test_sums_are_read_as_sha256sum_writes_them(tmp_path: Path):
    """A digest, two spaces, a name."""
    (tmp_path / "sums").write_text("00ff  a.jar\n11ee  b.jar\n")

    assert read_sums(tmp_path / "sums") == {"a.jar": "00ff", "b.jar": "11ee"}


@pytest.mark.parametrize(("content", "name"), [(b"tampered", "a.jar"), (b"reviewed", "b.jar")])
def test_another_file_than_the_reviewed_one_is_refused_and_not_kept(tmp_path: Path, content: bytes, name: str):
    """What was fetched is used only if its name and digest are the committed ones."""
    with pytest.raises(WrongChecksumError, match=r"a\.jar"):
        _cached(Cache(tmp_path), content, name=name)

    assert not (tmp_path / "thing").exists()


def test_what_verifies_is_fetched_once(tmp_path: Path):
    """The second run uses what the first one left."""
    first = _cached(Cache(tmp_path), b"reviewed")
    second = _cached(Cache(tmp_path), b"never fetched")

    assert second == first
    assert (second / "a.jar").read_bytes() == b"reviewed"


def test_what_was_changed_in_the_cache_is_fetched_again(tmp_path: Path):
    """A damaged cache heals itself."""
    place = _cached(Cache(tmp_path), b"reviewed")
    (place / "a.jar").write_bytes(b"damaged")
    _cached(Cache(tmp_path), b"reviewed")

    assert (place / "a.jar").read_bytes() == b"reviewed"


def test_a_fetch_that_fails_leaves_nothing(tmp_path: Path):
    """Half of an engine is never taken for the whole."""

    def fail(place: Path) -> None:
        (place / "half.jar").write_bytes(b"half")
        raise ConnectionError("the network went away")

    with pytest.raises(ConnectionError):
        Cache(tmp_path).provide("thing", fetch=fail, verify=lambda _: None)

    assert [path.name for path in tmp_path.iterdir()] == [".thing.lock"]
