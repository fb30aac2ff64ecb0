"""Certificates made for a test, signed by themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate alone, for who trusts it; its key alone; and the key before it, for who shows it."""

    public: Path
    key: Path
    with_key: Path


def write_certificate(folder: Path, *, until: datetime, host: str = "127.0.0.1") -> Certificate:
    """Of a server by its address or name; a day old when it runs out. Earlier files of the folder are renewed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=1))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = built.public_bytes(serialization.Encoding.PEM)
    written = Certificate(folder / "certificate.pem", folder / "key.pem", folder / "keystore.pem")
    for path, content in ((written.public, public), (written.key, private), (written.with_key, private + public)):
        # At once, as those who renew certificates replace them.
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        fresh.replace(path)
    return written


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
