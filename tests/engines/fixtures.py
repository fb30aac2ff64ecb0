"""Pytest fixtures with the URLs of the engines, and what a run says at its end. The root conftest loads them."""

import pytest
from pymongo import MongoClient

from engines import wanting
from engines.settings import EngineSettings

_PATIENCE_MS = 10_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is marked `engines` where none were given: nothing is fetched or started unasked."""
    settings = EngineSettings()
    if settings.test_engines or settings.test_kafka_url or settings.test_mongo_url:
        return
    for item in items:
        if item.get_closest_marker("engines"):
            item.add_marker(pytest.mark.skip(reason=wanting.reason(wanting.OWN)))


@pytest.fixture(scope="session")
def kafka_url() -> str:
    """A Kafka that all tests of the run share: each uses topics and groups of its own."""
    url = EngineSettings().test_kafka_url
    if not url:
        pytest.skip(wanting.reason(wanting.KAFKA))
    return url


@pytest.fixture(scope="session")
def mongo_url() -> str:
    """A document engine that all tests of the run share: each uses databases of its own."""
    url = EngineSettings().test_mongo_url
    if not url:
        pytest.skip(wanting.reason(wanting.DOCUMENTS))
    return url


@pytest.fixture(scope="session")
def local_engines() -> None:
    """Leave to start engines of one's own: only in a run by `python -m engines`, for it may mean fetching them."""
    if not EngineSettings().test_engines:
        pytest.skip(wanting.reason(wanting.OWN))


@pytest.fixture(scope="session")
def real_mongo_url(mongo_url: str) -> str:
    """MongoDB itself, for what others that speak its protocol cannot show: plans, speed, transactions."""
    with MongoClient[dict[str, object]](mongo_url, serverSelectionTimeoutMS=_PATIENCE_MS) as client:
        said = client.admin.command("buildInfo")
    if "wiredTiger" not in said.get("storageEngines", ()):
        pytest.skip(wanting.reason(wanting.MONGODB))
    return mongo_url


def _wanted(config: pytest.Config) -> dict[str, int]:
    # Workers of pytest-xdist have no reporter; the process that starts them has all reports.
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return {}
    skipped = reporter.stats.get("skipped", ())
    return wanting.wanted(str(report.longrepr[2]) for report in skipped)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that had to have engines and did not."""
    lacking = _wanted(session.config).keys() & set(wanting.PROVIDED)
    if lacking and EngineSettings().require_engines and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which engines were used, and what could not be run for want of one."""
    settings = EngineSettings()
    wanted = _wanted(terminalreporter.config)
    if not wanted and not settings.test_engines:
        return
    terminalreporter.section("engines")
    if settings.test_engines:
        terminalreporter.line(f"used: {settings.test_engines}")
    for what, count in sorted(wanted.items()):
        terminalreporter.line(f"NOT RUN: {count} {'test' if count == 1 else 'tests'}, for want of {what}", yellow=True)
    if settings.require_engines and wanted.keys() & set(wanting.PROVIDED):
        terminalreporter.line("DESKBUS_REQUIRE_ENGINES is set: going without is a failure", red=True)
