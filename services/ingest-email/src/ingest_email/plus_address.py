"""Addresses with a tag: `support+token@company.example` reaches `support@company.example`. Pure."""

from collections.abc import Iterable

_MAX_TAGS = 3


def candidates(address: str) -> tuple[tuple[str, str | None], ...]:
    """The addresses that this one may mean, each with the tag that is left over; the longest first.

    The address itself comes first, because a support address may contain a plus sign of its own.
    """
    local, _, domain = address.rpartition("@")
    parts = local.split("+")
    cuts = range(len(parts) - 1, max(len(parts) - 1 - _MAX_TAGS, 0), -1)
    shorter = (("+".join(parts[:cut]), "+".join(parts[cut:])) for cut in cuts)
    return ((address, None), *((f"{base}@{domain}", tag or None) for base, tag in shorter if base))


def tag_of(addresses: Iterable[str], base: str) -> str | None:
    """The first tag under which one of `addresses` reaches `base`."""
    tags = (tag for address in addresses for candidate, tag in candidates(address) if candidate == base)
    return next((tag for tag in tags if tag), None)
