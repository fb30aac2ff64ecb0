"""Contract suites and oracles that every implementation of a port must pass."""
