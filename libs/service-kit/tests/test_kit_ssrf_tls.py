import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service_kit.ssrf import GuardedHttp, PeerUnavailable
from service_kit.testing.certificate import Certificate, write_certificate
from service_kit.testing.http_peer import HttpPeer, replying
from service_kit.testing.name_service import NameService


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """A certificate and its key for `shop.example`, signed by itself."""
    return write_certificate(tmp_path, until=datetime.now(UTC) + timedelta(hours=1), host="shop.example")


async def test_tls_is_checked_against_the_name(certificate: Certificate):
    """Though the connection goes to the pinned address, the certificate must be the name's, and the name is sent."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate.with_key)
    trusted = ssl.create_default_context(cafile=str(certificate.public))
    names = NameService(shop=[["127.0.0.1"]], other=[["127.0.0.1"]])
    async with HttpPeer(replying(), served).listening() as peer:
        http = GuardedHttp(allow_private=True, resolve=names, tls=trusted)
        response = await http.request("GET", f"https://shop.example:{peer.port}/")
        with pytest.raises(PeerUnavailable):
            await http.request("GET", f"https://other.example:{peer.port}/")
        with pytest.raises(PeerUnavailable):
            await GuardedHttp(allow_private=True, resolve=NameService(shop=[["127.0.0.1"]])).request(
                "GET", f"https://shop.example:{peer.port}/"
            )

    assert response.body == b"hello"
    assert peer.server_names[0] == "shop.example"
    assert len(peer.requests) == 1
