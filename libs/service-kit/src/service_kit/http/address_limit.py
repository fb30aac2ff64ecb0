"""The brake on doors that anybody may knock at: so many requests of one address in a while, over all replicas."""

from ipaddress import IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection

from service_kit.problem import Problem
from service_kit.rate_limit import RateLimit
from service_kit.request_origin import CURRENT

_SUBSCRIBER_BITS = 64
"""What one subscriber of IPv6 has: addresses in it are for the taking."""


class AddressLimit:
    """A FastAPI dependency: at most `most` requests of one address within `seconds`.

    Behind a proxy the address is the caller's only with `DESKBUS_TRUSTED_PROXIES`; without, all callers share a limit.
    """

    def __init__(self, name: str, *, most: int, seconds: int) -> None:
        self._name = name
        self._most = most
        self._seconds = seconds

    async def __call__(self, connection: HTTPConnection) -> None:
        """Count the request.

        Raises:
            Problem: 429 `rate_limited`.
        """
        limit = RateLimit(connection.app.state.redis, self._name, most=self._most, seconds=self._seconds)
        origin = CURRENT.get()
        if not await limit.allows(subject_of(origin.source_address if origin else None)):
            raise Problem(
                429,
                "rate_limited",
                "Too many requests from this address; wait.",
                headers={"Retry-After": str(self._seconds)},
            )


def subject_of(address: str | None) -> str:
    """Whom an address stands for: itself, or the network of its subscriber."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or IPv6Network((found, _SUBSCRIBER_BITS), strict=False))
    return str(found)
