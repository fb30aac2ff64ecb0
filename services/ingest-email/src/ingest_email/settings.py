"""What this service reads from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class IngestEmailSettings(BaseSettings):
    """Every name is prefixed `INGEST_EMAIL_` in the environment."""

    model_config = SettingsConfigDict(env_prefix="INGEST_EMAIL_", frozen=True, extra="ignore")

    mail_size_limit_bytes: int = Field(default=35 * 1024 * 1024, ge=1024, description="Larger mail is refused (552).")
    mail_memory_bytes: int = Field(
        default=512 * 1024 * 1024, ge=1024, description="Arriving mail in memory at once; more is asked to come again."
    )
    recipients_max: int = Field(default=100, ge=1, le=1000, description="Recipients of one mail.")
    connections_max: int = Field(default=200, ge=1, description="SMTP connections at once.")
    connections_per_peer_max: int = Field(default=50, ge=1, description="SMTP connections of one address at once.")
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
