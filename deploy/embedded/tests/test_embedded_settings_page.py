"""The settings that are documented are those that there are."""

from pathlib import Path

import pytest

from deskbus.known_settings import known_settings, variables
from deskbus.settings_page import main, settings_page

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "operations" / "settings.md"


def test_every_setting_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    """The page is what the settings classes say; the complaint tells how to write it anew."""
    outcome = main([str(PAGE), "--check"])

    assert outcome == 0, capsys.readouterr().err


def test_a_page_that_lags_behind_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One setting less, or no page at all, fails the check."""
    page = tmp_path / "settings.md"
    missing = main([str(page), "--check"])
    page.write_text(settings_page().replace("`DESKBUS_HTTP_PORT`", "`DESKBUS_PORT`"))
    outdated = main([str(page), "--check"])
    main([str(page)])

    assert (missing, outdated, main([str(page), "--check"])) == (1, 1, 0)
    assert "deskbus.settings_page" in capsys.readouterr().err


def test_every_setting_says_what_it_is_for() -> None:
    """No variable without a description: it is what operators read."""
    silent = [variable.name for one in known_settings() for variable in variables(one) if not variable.about]

    assert silent == []
    assert len({variable.name for one in known_settings() for variable in variables(one)}) > 30


def test_every_settings_class_is_found() -> None:
    """A class that reads the environment and is not on the page would be a secret."""
    sources = [*ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("libs/service-kit/src/service_kit/*.py")]
    written = {source for source in sources if "(BaseSettings)" in source.read_text()}

    assert len(written) == len(known_settings())
