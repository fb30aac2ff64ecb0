"""Which addresses an account may make us call. Pure: names are resolved elsewhere."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NEVER_PUBLIC: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("192.88.99.0/24"),  # the retired 6to4 relays
    IPv6Network("3fff::/20"),  # documentation; not yet in the standard library's table
)
_PRIVATE: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("127.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("100.64.0.0/10"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
)
"""What the permission for private addresses adds. Link-local is not in it: cloud metadata answers there."""


def reached_address(text: str) -> Address:
    """The address that a connection to `text` ends at: IPv4 inside IPv6 (mapped, 6to4, NAT64) is unwrapped."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and address in _NAT64:
        embedded = IPv4Address(int(address) & 0xFFFF_FFFF)
    return embedded or address


def is_allowed(text: str, *, allow_private: bool) -> bool:
    """Whether the address `text` is on the public internet, or private where that is permitted."""
    address = reached_address(text)
    return _is_public(address) or (allow_private and any(address in network for network in _PRIVATE))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _NEVER_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
