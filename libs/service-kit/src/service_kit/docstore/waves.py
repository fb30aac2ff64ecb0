"""Which documents of one bulk call must wait for others of it."""

from collections.abc import Hashable, Iterable, Sequence


def waves(claims: Sequence[Iterable[Hashable]]) -> list[list[int]]:
    """Positions in groups to be written one group after another: no two of a group claim the same thing.

    An unordered bulk may be carried out in any order; so those who claim the same keep theirs.
    """
    next_wave: dict[Hashable, int] = {}
    groups: list[list[int]] = []
    for position, claimed in enumerate(claims):
        keys = set(claimed)
        wave = max((next_wave.get(key, 0) for key in keys), default=0)
        next_wave |= dict.fromkeys(keys, wave + 1)
        if wave == len(groups):
            groups.append([])
        groups[wave].append(position)
    return groups
