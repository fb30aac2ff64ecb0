from pathlib import Path

import pytest

from service_kit.settings import PlatformSettings

_URL = "mongodb://deskbus:pw@store/"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of secrets as container engines mount it."""
    (tmp_path / "deskbus_store_url").write_text(f"{_URL}\n")
    (tmp_path / "deskbus_secret_key").write_text("a key for tests that guards nothing\n")
    (tmp_path / "valkey.conf").write_text("not a setting")
    return tmp_path


def test_files_give_what_the_environment_leaves_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password may stand in a file instead of the environment; the line's end is not a part of it (S2)."""
    monkeypatch.setenv("DESKBUS_SECRETS_DIR", str(folder))
    settings = PlatformSettings()

    assert settings.store_url == _URL
    assert settings.secret_key.get_secret_value() == "a key for tests that guards nothing"


def test_the_environment_wins_over_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set for one process is not overridden by what all share."""
    monkeypatch.setenv("DESKBUS_SECRETS_DIR", str(folder))
    monkeypatch.setenv("DESKBUS_STORE_URL", "sqlite:////srv/store")

    assert PlatformSettings().store_url == "sqlite:////srv/store"


def test_a_variable_that_is_set_to_nothing_says_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DESKBUS_STORE_URL=` in a `.env` hides no file, and an empty port is the usual one, not an error."""
    monkeypatch.setenv("DESKBUS_SECRETS_DIR", str(folder))
    monkeypatch.setenv("DESKBUS_STORE_URL", "")
    monkeypatch.setenv("DESKBUS_HTTP_PORT", "")
    settings = PlatformSettings()

    assert settings.store_url == _URL
    assert settings.http_port == 8080


def test_a_folder_that_is_not_there_gives_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image names the folder always; whoever mounts nothing there sets everything by the environment."""
    monkeypatch.setenv("DESKBUS_SECRETS_DIR", str(tmp_path / "nowhere"))

    assert PlatformSettings().store_url == ""
