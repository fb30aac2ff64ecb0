"""Keeping Python's collector away from what a process has built once it is ready.

That is some hundred thousand objects which live as long as the process. Looking through them all takes a tenth of a
second or more, in which nothing else happens, and comes up every few thousand messages.
"""

import gc

_YOUNG_OBJECTS = 10_000
"""So many are made before the young are looked through: more than the work in hand has at one time, so that it dies
young instead of being carried along."""


def spare_what_stays() -> None:
    """Let the collector pass over everything that exists now. Once a process, when it is ready."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
