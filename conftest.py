"""What all tests of the workspace share."""

import gc
import os
from typing import Any

import pytest
import structlog
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

pytest_plugins = ["service_kit.testing.fixtures", "engines.fixtures"]

_END_TO_END = "tests/end_to_end/"

# No deadline per example: the machine that runs the tests is shared. In CI the same examples run each time, and
# twice as many as at the desk, where each run has others.
_IN_CI = "CI" in os.environ
settings.register_profile("deskbus", deadline=None, max_examples=100 if _IN_CI else 50, derandomize=_IN_CI)
settings.load_profile("deskbus")

# Tracebacks that are found by the test that fails need no colours and no local variables: those cost seconds each.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


class _OneSystem(LoadFileScheduling):
    """Tests of one file on one worker, and the end-to-end tests on one: they share a system that is slow to start."""

    def _split_scope(self, nodeid: str) -> str:
        return _END_TO_END if nodeid.startswith(_END_TO_END) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _OneSystem:
    """How tests are dealt to workers."""
    return _OneSystem(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than processors: each waits now and then for an engine, a process or a timer."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the collector look at what tests make only: modules and models never become garbage, and are most of it."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
