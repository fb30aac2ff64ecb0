"""The way out for mail: is the relay there, is what we say to it encrypted, and does it let us in? No mail is sent."""

from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib
from cryptography import x509

from deskbus.doctor.certificates import lasting
from deskbus.doctor.finding import Finding
from service_kit.settings import PlatformSettings

_ANSWER_SECONDS = 10.0
_SETTING = "DESKBUS_SMTP_RELAY_URL"


async def look_at_relay(settings: PlatformSettings, now: datetime) -> list[Finding]:
    """What would meet a mail that leaves, up to the moment in which it would be handed over."""
    if not settings.smtp_relay_url:
        says = f"{_SETTING} is not set: mail leaves to a folder, and reaches nobody"
        return [Finding("relay", "warning", says, "name a relay, unless this is a trial")]
    client = _client(settings.smtp_relay_url)
    where = f"the relay {client.hostname}:{client.port}"
    try:
        # As notifier connects: with STARTTLS wherever it is offered, and with credentials if there are any.
        await client.connect()
    except (aiosmtplib.SMTPException, OSError) as error:
        return [_refusal(where, error)]
    try:
        has_password = urlsplit(settings.smtp_relay_url).password is not None
        encryption = _encryption(where, client, now, has_password=has_password)
        return [Finding("relay", "ok", f"{where} lets us in"), *encryption]
    finally:
        with suppress(aiosmtplib.SMTPException, OSError):  # all has been seen; this is courtesy
            await client.quit()
        client.close()


def _client(url: str) -> aiosmtplib.SMTP:
    parts = urlsplit(url)
    is_tls = parts.scheme == "smtps"
    return aiosmtplib.SMTP(
        hostname=parts.hostname or "localhost",
        port=parts.port or (465 if is_tls else 25),
        use_tls=is_tls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        timeout=_ANSWER_SECONDS,
    )


def _refusal(where: str, error: Exception) -> Finding:
    """What a failure means. Texts of the relay are left out: some repeat what they were told."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Finding("relay", "failed", f"{where} refuses our credentials", f"correct user or password in {_SETTING}")
    cause = f"{error} {error.__cause__ or ''}"
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        return Finding(
            "relay",
            "failed",
            f"{where} shows a certificate that is not trusted",
            f"renew it, name the relay in {_SETTING} as the certificate does, or add its authority to the system's",
        )
    if isinstance(error, aiosmtplib.SMTPException) and "AUTH" in str(error):
        return Finding(
            "relay", "failed", f"{where} takes no credentials", f"leave them out of {_SETTING}, or use another port"
        )
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Finding("relay", "failed", f"{where} answers {error.code} at once", "see its log for why")
    return Finding(
        "relay",
        "failed",
        f"{where} cannot be reached: {type(error).__name__}",
        f"start it, or correct {_SETTING}; see that no firewall is between (many networks close port 25)",
    )


def _encryption(where: str, client: aiosmtplib.SMTP, now: datetime, *, has_password: bool) -> list[Finding]:
    shown = client.get_transport_info("ssl_object")
    if shown is not None:
        certificate = x509.load_der_x509_certificate(shown.getpeercert(binary_form=True))
        return [lasting(f"{where} ({_SETTING})", certificate.not_valid_after_utc, now)]
    if _is_this_machine(client.hostname or ""):
        return []
    what = "its password and mail" if has_password else "mail"
    return [Finding("relay", "warning", f"to {where} go {what} unencrypted", "use smtps://, or let it offer STARTTLS")]


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
