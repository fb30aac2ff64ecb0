import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service_kit.ssrf import GuardedHttp, PeerUnavailable
from service_kit.testing.http_peer import HttpPeer, replying
from service_kit.testing.name_service import NameService


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate and its key for `shop.example`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


async def test_tls_is_checked_against_the_name(certificate: Path):
    """Though the connection goes to the pinned address, the certificate must be the name's, and the name is sent."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    trusted = ssl.create_default_context(cafile=str(certificate))
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
