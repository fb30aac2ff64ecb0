"""What the gateway reads from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WebchatSettings(BaseSettings):
    """Every name is prefixed `WEBCHAT_` in the environment."""

    model_config = SettingsConfigDict(env_prefix="WEBCHAT_", env_ignore_empty=True, frozen=True, extra="ignore")

    messages_per_10_seconds: int = Field(default=100, ge=1, description="How much one visitor may write.")
    connections_per_minute: int = Field(default=300, ge=1, description="How often one address may connect.")
