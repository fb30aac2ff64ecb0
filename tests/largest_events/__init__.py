"""The largest event of every type, by the limits of whoever sends it."""
