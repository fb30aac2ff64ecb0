"""Why a message counts as written by a machine. Apart, so that a parser of mail can name it without pydantic."""

from typing import Literal

AutomaticKind = Literal["auto_reply", "bounce", "list", "own"]
"""Public contract (RFC 3834, RFC 3464)."""
