"""What all tests of the workspace share."""

import os

from hypothesis import settings

pytest_plugins = ["service_kit.testing.fixtures"]

# No deadline per example: the machine that runs the tests is shared. In CI the same examples run each time.
settings.register_profile("deskbus", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("deskbus")
