"""`python -m benchmarks`."""

from benchmarks.cli import command

command()
