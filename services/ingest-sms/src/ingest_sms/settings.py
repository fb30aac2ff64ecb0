"""What ingest-sms reads from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SmsIngestSettings(BaseSettings):
    """Every name is prefixed `INGEST_SMS_` in the environment."""

    model_config = SettingsConfigDict(env_prefix="INGEST_SMS_", env_ignore_empty=True, frozen=True, extra="ignore")

    quarantine_per_source: int = Field(
        default=1000, ge=1, description="How many unsigned payloads of one sender's address are kept per account."
    )
