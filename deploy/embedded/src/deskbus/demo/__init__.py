"""The demonstration: real traffic through the real doors of a running system, and what became of it."""
