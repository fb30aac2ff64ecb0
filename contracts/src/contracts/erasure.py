"""Forgetting a customer: what tickets asks of every owner of data, and what each answers (S3, L9)."""

from typing import ClassVar, Literal

from pydantic import Field

from contracts.envelope import Event, Shape
from contracts.topic import ServiceName


class ErasedIdentities(Shape):
    """What names the person. It travels encrypted, as the `sealed` of an erasure: the order must not be a leak."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    visitor_ids: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()


class ContactErased(Event):
    """Forget this customer, in these tickets, now and whenever something late arrives. May be said more than once.

    `sealed` are `ErasedIdentities` as JSON, encrypted with the key that all services share. One erasure may have
    several parts, each with tickets of its own; `contact_version` is the contact's last published one. With
    `whole` false the contact lives on: only what was written from these addresses goes.
    """

    key_field: ClassVar[str] = "contact_id"

    type: Literal["support.contact.erased.v1"] = "support.contact.erased.v1"
    erasure_id: str
    contact_id: str
    contact_version: int = 0
    whole: bool = True
    part: int = Field(default=1, ge=1)
    sealed: str
    ticket_ids: tuple[str, ...] = Field(default=(), max_length=1000)


class ContactErasureObeyed(Event):
    """One owner has forgotten what one part of an erasure names. `removed` counts documents, for the log."""

    key_field: ClassVar[str] = "contact_id"

    type: Literal["support.contact.erasure_obeyed.v1"] = "support.contact.erasure_obeyed.v1"
    erasure_id: str
    contact_id: str
    owner: ServiceName
    part: int = Field(default=1, ge=1)
    removed: int = Field(default=0, ge=0)
