"""Which machines are meant by an address or a list of networks. Pure."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_IPV6_OF_ONE_SITE = 64


class Networks:
    """Addresses and networks, separated by commas: `10.0.0.0/8, 2001:db8::25`.

    Raises:
        ValueError: one of them is neither.
    """

    def __init__(self, text: str) -> None:
        self._networks = tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())

    def __contains__(self, address: str) -> bool:
        plain = _plain(address)
        return plain is not None and any(plain in network for network in self._networks)


def site_of(address: str) -> str:
    """What counts as one peer: an IPv4 address, or the network of IPv6 that every customer of a provider has."""
    plain = _plain(address)
    if isinstance(plain, IPv6Address):
        return str(ip_network((plain, _IPV6_OF_ONE_SITE), strict=False))
    return address if plain is None else str(plain)


def _plain(address: str) -> IPv4Address | IPv6Address | None:
    """The address without its zone; IPv4 in IPv6 is IPv4."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
