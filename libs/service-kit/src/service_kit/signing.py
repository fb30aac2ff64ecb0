"""Short signatures that fit in the local part of a mail address, a link or a token."""

import base64
import hashlib
import hmac

from service_kit.key_material import derive_keys

_SIGNATURE_BYTES = 10
"""80 bits are 16 base32 characters without padding; guessing one takes 2^79 requests on average."""


def _message(purpose: str, parts: tuple[str, ...]) -> bytes:
    """Every part with its length in front, so that ("a", "bc") and ("ab", "c") differ."""
    encoded = [part.encode() for part in (purpose, *parts)]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)


class Signer:
    """Signs with the first of the comma-separated keys, accepts signatures by any of them."""

    def __init__(self, key: str) -> None:
        self._keys = derive_keys(key, "signing")

    def sign(self, purpose: str, *parts: str) -> str:
        """16 characters of a-z and 2-7; a signature for one purpose is worth nothing for another."""
        return self._signature(self._keys[0], purpose, parts)

    def verify(self, signature: str, purpose: str, *parts: str) -> bool:
        """Whether `signature` is ours, in constant time; letter case is ignored because mail servers change it."""
        given = signature.lower().encode()
        matches = [hmac.compare_digest(self._signature(key, purpose, parts).encode(), given) for key in self._keys]
        return any(matches)

    @staticmethod
    def _signature(key: bytes, purpose: str, parts: tuple[str, ...]) -> str:
        digest = hmac.new(key, _message(purpose, parts), hashlib.sha256).digest()
        return base64.b32encode(digest[:_SIGNATURE_BYTES]).decode("ascii").lower()
