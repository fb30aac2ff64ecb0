"""Mailboxes that are read over IMAP: a part of the settings `email`."""

from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, model_validator

from contracts.settings_shape import Secret, SettingsShape

MailboxName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
"""What an account calls one of its mailboxes."""

_HOST = r"^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$"
"""A name, an IPv4 address, or an IPv6 address without brackets."""

Line = Annotated[str, Field(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]+$")]


class PasswordAuth(SettingsShape):
    """The mailbox's own `password`."""

    type: Literal["password"]


class OAuth2Auth(SettingsShape):
    """Access tokens for the user, fetched by a refresh token that somebody allowed us to have (RFC 6749, 6)."""

    type: Literal["oauth2"]
    token_url: HttpUrl
    client_id: Line
    client_secret: Secret | None = None
    refresh_token: Secret
    scope: str = Field(default="", max_length=2000, pattern=r"^[\x20-\x7e]*$")


class ImapMailbox(SettingsShape):
    """A mailbox that is read over IMAP and never changed. What is in it counts as sent to the support `address`.

    `security` `none` is for private networks only, and refused where those are not allowed. `start_from` `now` leaves
    what the mailbox holds at the first connection; `all` takes it too. `password` is for `auth` of that type only.
    """

    host: str = Field(max_length=253, pattern=_HOST)
    port: int = Field(default=993, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    username: Line
    password: Secret | None = None
    auth: PasswordAuth | OAuth2Auth = Field(default=PasswordAuth(type="password"), discriminator="type")
    folder: Line = "INBOX"
    address: str = Field(max_length=320)
    start_from: Literal["now", "all"] = "now"

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.auth.type == "password" and self.password is None:
            raise ValueError("a mailbox has a `password`, or `auth` of the type `oauth2`")
        return self
