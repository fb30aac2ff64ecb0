"""URLs as they may be shown: whom they name, never the password."""

import re

_PASSWORD = re.compile(r"(?<=://)(.*):.*@")
"""Greedy: where a password holds what it should have escaped, too much is hidden rather than too little."""
_SECRET_PARAMETER = re.compile(r"(?i)([?&][^=&]*(?:secret|password|token|key)[^=&]*=)[^&#]*")


def masked(url: str) -> str:
    """The URL with its password, and every parameter that sounds like a secret, replaced by stars."""
    return _SECRET_PARAMETER.sub(r"\1***", _PASSWORD.sub(_hidden, url))


def _hidden(match: re.Match[str]) -> str:
    return f"{match[1].partition(':')[0]}:***@"
