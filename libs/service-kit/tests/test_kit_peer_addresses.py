import pytest

from service_kit.peer_addresses import is_allowed

PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1", "64:ff9b::808:808"]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
]
NEVER = [
    "0.0.0.0",  # noqa: S104 - nobody binds to it
    "0.1.2.3",
    "169.254.169.254",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::8.8.8.8",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "3fff::1",
    "64:ff9b:1::808:808",
    "::ffff:169.254.169.254",
    "2002:a9fe:a9fe::",
    "64:ff9b::a9fe:a9fe",
    "4000::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str):
    """The public internet is what webhooks are for."""
    assert is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_permission(address: str):
    """Loopback and private networks, also wrapped into IPv6, only with DESKBUS_ALLOW_PRIVATE_URLS (S4)."""
    assert not is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called(address: str):
    """Link-local (cloud metadata), multicast, reserved and unspecified addresses are no peers, ever (S4)."""
    assert not is_allowed(address, allow_private=False)
    assert not is_allowed(address, allow_private=True)
