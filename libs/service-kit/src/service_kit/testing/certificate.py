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
    """The certificate alone, for who trusts it; and with its key before it, for who shows it."""

    public: Path
    with_key: Path


def write_certificate(folder: Path, *, until: datetime, address: str = "127.0.0.1") -> Certificate:
    """Of a server at an address; a day old when it runs out."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=1))
        .not_valid_after(until)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = built.public_bytes(serialization.Encoding.PEM)
    written = Certificate(folder / "certificate.pem", folder / "keystore.pem")
    written.public.write_bytes(public)
    written.with_key.write_bytes(private + public)
    return written
