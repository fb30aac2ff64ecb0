"""What this service reads from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ingest_email.smtp.networks import Networks


class IngestEmailSettings(BaseSettings):
    """Every name is prefixed `INGEST_EMAIL_` in the environment."""

    model_config = SettingsConfigDict(env_prefix="INGEST_EMAIL_", env_ignore_empty=True, frozen=True, extra="ignore")

    mail_size_limit_bytes: int = Field(default=35 * 1024 * 1024, ge=1024, description="Larger mail is refused (552).")
    mail_memory_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1024, description="Arriving mail in memory at once; more is asked to come again."
    )
    recipients_max: int = Field(default=100, ge=1, le=1000, description="Recipients of one mail.")
    connections_max: int = Field(default=200, ge=1, description="SMTP connections at once.")
    connections_per_peer_max: int = Field(default=50, ge=1, description="SMTP connections of one stranger at once.")
    mails_per_minute_per_peer_max: int = Field(default=1200, ge=1, description="Mails that one stranger may offer.")
    trusted_relays: str = Field(
        default="127.0.0.0/8,::1",
        description="Addresses and networks of relays, which are not limited as strangers are.",
    )
    proxy_protocol_from: str = Field(
        default="", description="Load balancers, which begin with a PROXY header that says for whom they connect."
    )
    tls_certificate: Path | None = Field(default=None, description="PEM with the chain; with it STARTTLS is offered.")
    tls_key: Path | None = Field(default=None, description="PEM with its key, not encrypted.")
    command_timeout_seconds: float = Field(default=300, gt=0, description="How long a sender may be silent.")
    data_timeout_seconds: float = Field(default=600, gt=0, description="How long one mail may take to arrive.")
    webhook_size_limit_bytes: int = Field(
        default=90 * 1024 * 1024, ge=1024, description="Body of a provider's call: the mail, and all they make of it."
    )
    webhook_memory_bytes: int = Field(
        default=768 * 1024 * 1024, ge=1024, description="Providers' calls in memory at once, three times their size."
    )
    webhook_timeout_seconds: float = Field(default=60, gt=0, description="How long one call may take to arrive.")
    parse_workers: int = Field(default=1, ge=1, le=64, description="Parser processes.")
    parse_timeout_seconds: float = Field(default=10, gt=0, le=60, description="A parser that takes longer is killed.")
    parse_memory_bytes: int = Field(default=1024**3, ge=256 * 1024**2, description="Memory of one parser process.")
    parse_batch_max: int = Field(default=20, ge=1, le=100, description="Mails taken from the bus at once.")
    quarantine_per_source_max: int = Field(default=100, ge=1, description="Mails without a sender kept per source.")

    imap_poll_seconds: float = Field(default=60, gt=0, le=3600, description="How often to ask servers without IDLE.")
    imap_idle_seconds: float = Field(default=600, gt=0, le=1740, description="How long to wait before looking anyway.")
    imap_command_timeout_seconds: float = Field(default=60, gt=0, le=600, description="How long a server may take.")
    imap_lease_seconds: float = Field(default=30, ge=5, le=600, description="How long a lost replica keeps a mailbox.")
    imap_mailboxes_max: int = Field(default=100, ge=0, le=1000, description="Mailboxes that one replica reads.")
    imap_ca_file: Path | None = Field(default=None, description="PEM of more authorities that mail servers may have.")

    @field_validator("trusted_relays", "proxy_protocol_from")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        Networks(value)
        return value

    @model_validator(mode="after")
    def _has_both_files(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        return self
