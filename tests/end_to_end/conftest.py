"""Fixtures of the end-to-end tests: one system for each process of the test run, companies on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.company import Company
from end_to_end.settings import EndToEndSettings
from end_to_end.system import RunningSystem, running_system

_TIMEOUT_SECONDS = 240
"""Of the first test, which starts the system, on a machine that has other things to do."""


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of this folder."""
    config.addinivalue_line("markers", "embedded_only(reason): holds where one process is the whole system, only")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder time for the system to start; leave out what other compositions do not have."""
    is_embedded = EndToEndSettings().composition == "embedded"
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(_TIMEOUT_SECONDS))
            only = item.get_closest_marker("embedded_only")
            if only is not None and not is_embedded:
                item.add_marker(pytest.mark.skip(reason=only.kwargs["reason"]))


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """The running system. It ends with the folder: idle it would take a twentieth of a processor from other tests."""
    with running_system(tmp_path_factory.mktemp("deskbus"), EndToEndSettings().composition) as running:
        yield running


@pytest.fixture
def company(system: RunningSystem) -> Company:
    """An account that only this test uses."""
    return system.company()


@pytest.fixture(scope="package")
def shared_company(system: RunningSystem) -> Company:
    """An account for all tests that do not mind each other: making one takes most of a second."""
    return system.company()
