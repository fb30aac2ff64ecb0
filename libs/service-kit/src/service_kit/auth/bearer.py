"""The `Authorization: Bearer` header."""

_MAX_TOKEN_CHARACTERS = 512


def bearer_token(header: str | None) -> str | None:
    """The token, or None where the header is missing, of another scheme, or absurdly long."""
    scheme, _, token = (header or "").strip().partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and 0 < len(token) <= _MAX_TOKEN_CHARACTERS else None
