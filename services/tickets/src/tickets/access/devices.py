"""Which device somebody signs in from, so that strangers cannot lock them out for ever.

After a sign-in the device gets a token that is worth nothing by itself: with it, attempts are counted apart from those
of everybody else who tries the same address (OWASP: "Slow Down Online Guessing Attacks with Device Cookies"). Each
sign-in gives a newer one, so that what somebody finds on an old disk is worth nothing after a while.
"""

from datetime import UTC, datetime, timedelta

from contracts.ids import new_id
from service_kit.clock import Clock
from service_kit.signing import Signer

KEPT_FOR = timedelta(days=90)
"""Unused: longer than a season off work, shorter than the life of a device that was sold or lost."""

_PURPOSE = "sign-in device"
_DAY_SECONDS = 86_400


class Devices:
    """Tokens of devices; nothing is stored."""

    def __init__(self, signer: Signer, clock: Clock) -> None:
        self._signer = signer
        self._clock = clock

    def known(self, login: str, token: str | None) -> str | None:
        """The device's id, if somebody signed in from it with this address, and not too long ago."""
        device_id, _, rest = (token or "").partition(".")
        day, _, signature = rest.partition(".")
        if not self._signer.verify(signature, _PURPOSE, login, device_id, day):
            return None
        used_at = datetime.fromtimestamp(int(day) * _DAY_SECONDS, UTC)
        return device_id if self._clock.now() - used_at < KEPT_FOR else None

    def token(self, login: str, device_id: str | None) -> str:
        """What the device presents next time; a new one gets an id."""
        device_id, day = device_id or new_id("dev"), str(int(self._clock.now().timestamp()) // _DAY_SECONDS)
        return f"{device_id}.{day}.{self._signer.sign(_PURPOSE, login, device_id, day)}"


def counted_as(login: str, device_id: str | None) -> str:
    """Whose attempts these are: a known device's, or those of all strangers to this address together."""
    return login if device_id is None else f"{login}/{device_id}"
