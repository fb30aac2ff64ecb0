"""Encryption of the secrets that settings hold, at rest and on the bus."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from service_kit.errors import PermanentError
from service_kit.key_material import derive_keys


class SecretUnreadable(PermanentError):
    """A ciphertext that none of the configured keys opens: it was damaged, or its key was taken away."""

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
