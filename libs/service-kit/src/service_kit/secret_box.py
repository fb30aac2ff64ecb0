"""Encryption of the secrets that settings hold, at rest and on the bus."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from service_kit.errors import TransientError
from service_kit.key_material import derive_keys


class SecretUnreadable(TransientError):
    """A ciphertext that none of the configured keys opens: its key was taken away, or it was damaged.

    Transient, because nothing is wrong with what waits for the secret: it passes once the operator gives the key back,
    and until then no message may be set aside, and none be called undeliverable.
    """

    code = "secret_unreadable"


class SecretBox:
    """Encrypts with the first of the comma-separated keys, decrypts with any of them."""

    def __init__(self, key: str) -> None:
        self._fernet = MultiFernet(
            [Fernet(base64.urlsafe_b64encode(derived)) for derived in derive_keys(key, "secret box")]
        )

    def encrypt(self, text: str) -> str:
        """Ciphertext as ASCII text; another one each time."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def decrypt(self, text: str) -> str:
        """The plain text.

        Raises:
            SecretUnreadable: no key opens it.
        """
        try:
            return self._fernet.decrypt(text.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadable("a stored secret cannot be decrypted with any key in DESKBUS_SECRET_KEY") from error
