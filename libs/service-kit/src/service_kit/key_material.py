"""The one secret of an installation, and the independent keys derived from it.

`DESKBUS_SECRET_KEY` may hold several keys separated by commas, newest first, so that it can be rotated.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32
_MINIMUM_CHARACTERS = 16


def derive_keys(key: str, use: str) -> tuple[bytes, ...]:
    """One 32-byte key for each configured secret, in order; different uses never share a key.

    Raises:
        ValueError: no secret is given, or one is too short to withstand guessing.
    """
    secrets = [part.strip() for part in key.split(",") if part.strip()]
    if not secrets:
        raise ValueError("DESKBUS_SECRET_KEY is empty; set it to a long random text and keep it")
    if any(len(secret) < _MINIMUM_CHARACTERS for secret in secrets):
        raise ValueError(f"every key in DESKBUS_SECRET_KEY needs at least {_MINIMUM_CHARACTERS} characters")
    return tuple(
        HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"deskbus {use}".encode()).derive(secret.encode())
        for secret in secrets
    )
