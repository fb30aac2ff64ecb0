"""How long and how hard the fault tests try (the defaults fit `make test`), and what all of them begin with."""

import secrets
from random import Random

import pytest
import pytest_asyncio

from faults.drama import Stage, build_stage


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the fault tests."""
    group = parser.getgroup("faults")
    group.addoption("--faults-seed", type=int, default=None, help="Repeat the choices of an earlier run.")
    group.addoption("--faults-messages", type=int, default=1000, help="Messages during the random kills.")
    group.addoption("--faults-process-kills", type=int, default=4, help="How often the process is killed meanwhile.")
    group.addoption("--faults-seconds", type=int, default=0, help="How long a fleet's parts fail, about.")
    group.addoption("--faults-fleet-messages", type=int, default=600, help="Messages while a fleet's parts fail.")
    group.addoption("--faults-valkey-kills", type=int, default=3, help="How often its Valkey alone is.")


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> Random:
    """The source of all choices of a test; its seed is printed, so that a failed run can be repeated."""
    seed = request.config.getoption("--faults-seed", default=None)
    seed = secrets.randbits(32) if seed is None else seed
    print(f"--faults-seed={seed}")  # noqa: T201 - shown with a failed test
    return Random(seed)  # noqa: S311 - reproducible on purpose


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A home that was set up once; each test plays on a copy."""
    return await build_stage(tmp_path_factory.mktemp("stage"))
