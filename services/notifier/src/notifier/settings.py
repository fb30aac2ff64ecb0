"""What notifier reads from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_LEASE_FACTOR = 1.5


class NotifierSettings(BaseSettings):
    """Every name is prefixed `NOTIFIER_` in the environment."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_", env_ignore_empty=True, frozen=True, extra="ignore")

    relay_timeout_seconds: float = Field(default=20, gt=0, le=600, description="How long a relay may take over a mail.")
    relay_connections: int = Field(default=8, ge=1, le=100, description="Mails handed to the relay at once.")
    relay_connections_per_domain: int = Field(
        default=4,
        ge=1,
        le=100,
        description="Of these, to customers of one domain: a slow one leaves room for the rest.",
    )
    relay_idle_seconds: float = Field(
        default=60, gt=0, le=3600, description="How long a connection to the relay stays open without a mail."
    )
    http_timeout_seconds: float = Field(
        default=10, gt=0, le=600, description="How long a provider or a webhook may take to answer."
    )

    forwarding_check_seconds: float = Field(
        default=600, ge=1, le=86_400, description="How long a check's mail may take to come back."
    )

    @property
    def lease_seconds(self) -> float:
        """How long a message is one process's own: longer than an attempt, so that nobody else takes it meanwhile.

        It is also what a message waits after a crash in the middle of an attempt.
        """
        return _LEASE_FACTOR * max(self.relay_timeout_seconds, self.http_timeout_seconds)
