"""Postmark's inbound webhook: JSON with the raw mail, proven by basic credentials and the caller's address. Pure.

https://postmarkapp.com/developer/webhooks/inbound-webhook
"""

import ipaddress

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.settings import EmailSettings
from ingest_email.parsing.header_block import read_block
from ingest_email.webhooks.provider import (
    MalformedCallError,
    ProvidedMail,
    Provider,
    RawMailMissingError,
    WebhookCall,
    has_basic,
    reverse_path,
)


class InboundCall(BaseModel):
    """What we read of Postmark's JSON; the rest is its own reading of the mail."""

    model_config = ConfigDict(frozen=True)

    recipient: str = Field(alias="OriginalRecipient", min_length=1, max_length=1000)
    author: str = Field(default="", alias="From", max_length=1000)
    raw_email: str | None = Field(default=None, alias="RawEmail")


def read(call: WebhookCall) -> ProvidedMail:
    """The mail of a call.

    Raises:
        MalformedCallError: it is not Postmark's JSON.
        RawMailMissingError: the server does not include the raw mail.
    """
    try:
        given = InboundCall.model_validate_json(call.body)
    except ValidationError as error:
        raise MalformedCallError("the body is not Postmark's JSON with an OriginalRecipient") from error
    if given.raw_email is None:
        raise RawMailMissingError("Switch on `Include raw email content in JSON payload` in the Postmark stream.")
    content = given.raw_email.encode(errors="replace")
    return ProvidedMail(
        content=content,
        envelope_sender=_sender(content, given.author),
        recipients=(given.recipient,),
        is_proven=lambda settings: is_proven(call, settings),
    )


def is_proven(call: WebhookCall, settings: EmailSettings) -> bool:
    """Whether the call fits every proof that the account has set, and it has set one."""
    known = settings.postmark
    if known.password is not None and not has_basic(call.headers, known.username, known.password):
        return False
    if known.ips and not _is_among(call.source, known.ips):
        return False
    return known.password is not None or bool(known.ips)


def _is_among(source: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in networks)


def _sender(content: bytes, author: str) -> str:
    """The envelope's sender is nowhere but in Return-Path; without it the author, as an empty one means a bounce."""
    paths = read_block(content).all("return-path")
    return reverse_path(paths[0]) if paths else author.strip()


POSTMARK = Provider(name="postmark", give_up=403, ask_again=401, read=read)
"""Only 200 is taken, 403 stops; at anything else it comes again ten times in ten hours."""
