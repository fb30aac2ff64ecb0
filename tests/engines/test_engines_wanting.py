import os
import subprocess
import sys
from pathlib import Path

from engines import wanting

_TESTS = """
def test_bus(kafka_url):
    raise AssertionError

def test_store(mongo_url):
    raise AssertionError

def test_other_store(mongo_url):
    raise AssertionError
"""

_PLAIN = {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Other plugins of this environment have no part in it, and take a second to load."""


def _pytest(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own, without the engines that the outer one may have."""
    (folder / "test_it.py").write_text(_TESTS)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DESKBUS_", "PYTEST"))}
    command = [sys.executable, "-m", "pytest", "-p", "engines.fixtures", "-p", "no:cacheprovider", "--rootdir", "."]
    return subprocess.run(  # noqa: S603 - our own command
        [*command, "test_it.py"],
        cwd=folder,
        env={**inherited, **environment, **_PLAIN},
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_what_wants_an_engine_is_counted():
    """Other tests are skipped for other reasons."""
    reasons = ["Skipped: " + wanting.reason(wanting.KAFKA), "Skipped: needs root", wanting.reason(wanting.KAFKA)]

    assert wanting.wanted(reasons) == {wanting.KAFKA: 2}


def test_a_run_names_what_it_could_not_run(tmp_path: Path):
    """Skipped for want of an engine is said loudly at the end, with how to have it."""
    done = _pytest(tmp_path)

    assert done.returncode == 0, done.stdout
    assert f"NOT RUN: 1 test, for want of {wanting.KAFKA}" in done.stdout
    assert f"NOT RUN: 2 tests, for want of {wanting.DOCUMENTS}" in done.stdout


def test_a_run_that_must_have_engines_fails_without(tmp_path: Path):
    """CI does not pass because nothing was run."""
    done = _pytest(tmp_path, DESKBUS_REQUIRE_ENGINES="1")

    assert done.returncode == 1, done.stdout
    assert "going without is a failure" in done.stdout


def test_a_run_names_the_engines_it_used(tmp_path: Path):
    """A result is worth what it was obtained on."""
    done = _pytest(tmp_path, DESKBUS_TEST_ENGINES="Apache Kafka 9, somewhere")

    assert "used: Apache Kafka 9, somewhere" in done.stdout
