"""The benchmarks are a package in the root of the checkout, which no installed path names."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
