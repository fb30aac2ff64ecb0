"""SendGrid's Inbound Parse: a form with the raw mail, signed over its bytes or with basic credentials. Pure.

https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/securing-your-parse-webhooks
"""

import base64
import binascii

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, ValidationError

from contracts.settings import EmailSettings
from ingest_email.webhooks.form_data import FormError, read_form
from ingest_email.webhooks.provider import (
    MalformedCallError,
    ProvidedMail,
    Provider,
    RawMailMissingError,
    WebhookCall,
    has_basic,
    reverse_path,
)

SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp"


class Envelope(BaseModel):
    """The field `envelope`: whom the mail was for and who sent it, as SMTP said."""

    to: tuple[str, ...]
    from_: str = ""

    model_config = {"alias_generator": lambda name: name.rstrip("_")}


def read(call: WebhookCall) -> ProvidedMail:
    """The mail of a call.

    Raises:
        MalformedCallError: it is no form, or has no envelope.
        RawMailMissingError: it holds SendGrid's own reading of the mail.
    """
    try:
        fields = read_form(call.body, call.headers.get("content-type", ""))
        envelope = Envelope.model_validate_json(fields.get("envelope", b""))
    except (FormError, ValidationError) as error:
        raise MalformedCallError("the body is not a form with an envelope") from error
    if "email" not in fields:
        raise RawMailMissingError("Switch on `POST the raw, full MIME message` in SendGrid's Inbound Parse settings.")

    def is_proven(settings: EmailSettings) -> bool:
        known = settings.sendgrid
        if known.public_key is not None:
            return is_signed(known.public_key, call)
        return known.basic is not None and has_basic(call.headers, known.basic.username, known.basic.password)

    return ProvidedMail(
        content=fields["email"],
        envelope_sender=reverse_path(envelope.from_),
        recipients=envelope.to,
        is_proven=is_proven,
    )


def public_key(text: str) -> EllipticCurvePublicKey:
    """The key as SendGrid shows it.

    Raises:
        ValueError: it is none.
    """
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, UnsupportedAlgorithm) as error:
        raise ValueError("not a public key") from error
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("not a public key on an elliptic curve")  # noqa: TRY004 - the text is at fault
    return key


def is_signed(key: str, call: WebhookCall) -> bool:
    """ECDSA with SHA-256 over the timestamp and the body; the same call again is the same mail, so it may be old."""
    timestamp, signature = call.headers.get(TIMESTAMP_HEADER, ""), call.headers.get(SIGNATURE_HEADER, "")
    try:
        given = base64.b64decode(signature, validate=True)
        public_key(key).verify(given, timestamp.encode() + call.body, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


SENDGRID = Provider(name="sendgrid", give_up=406, ask_again=503, read=read)
"""At 5xx it comes again for three days; everything else ends it, a refused proof therefore is a 503 too."""
