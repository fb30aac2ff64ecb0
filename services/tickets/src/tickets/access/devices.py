"""Which device somebody signs in from, so that strangers cannot lock them out for ever.

After a sign-in the device gets a token that is worth nothing by itself: with it, attempts are counted apart from those
of everybody else who tries the same address (OWASP: "Slow Down Online Guessing Attacks with Device Cookies").
"""

from contracts.ids import new_id
from service_kit.signing import Signer

_PURPOSE = "sign-in device"


class Devices:
    """Tokens of devices; nothing is stored."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def known(self, login: str, token: str | None) -> str | None:
        """The device's id, if it is one that somebody signed in from with this address."""
        device_id, _, signature = (token or "").partition(".")
        return device_id if self._signer.verify(signature, _PURPOSE, login, device_id) else None

    def token(self, login: str, device_id: str | None) -> str:
        """What the device presents next time; a new one gets an id."""
        device_id = device_id or new_id("dev")
        return f"{device_id}.{self._signer.sign(_PURPOSE, login, device_id)}"


def counted_as(login: str, device_id: str | None) -> str:
    """Whose attempts these are: a known device's, or those of all strangers to this address together."""
    return login if device_id is None else f"{login}/{device_id}"
