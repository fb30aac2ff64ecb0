"""What every service reads from the environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from service_kit.key_material import derive_keys


class PlatformSettings(BaseSettings):
    """The settings that all services share. Every name is prefixed `DESKBUS_` in the environment.

    What the environment leaves out is read from files of the folder that `DESKBUS_SECRETS_DIR` names, each named like
    its setting (`deskbus_store_url`): so passwords stand in no environment, process list or container description.
    """

    # A URL may hold a password: neither a repr nor a complaint about another field repeats one. A variable that is set
    # to nothing says nothing, as in most `.env` files: it does not hide what a file says.
    model_config = SettingsConfigDict(
        env_prefix="DESKBUS_", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    home: Path = Field(default=Path(".deskbus"), description="Where the embedded engines keep everything.")
    http_host: str = Field(default="127.0.0.1", description="Address that HTTP and SMTP listen on.")
    http_port: int = Field(default=8080, ge=1, le=65535, description="Port of the one HTTP origin.")
    smtp_port: int = Field(default=2525, ge=1, le=65535, description="Port that takes mail in.")
    public_url: str = Field(default="", description="Address under which the world sees us; empty: the local origin.")
    bus_url: str = Field(default="", repr=False, description="redis://… or kafka://…; empty: the embedded Valkey.")
    store_url: str = Field(
        default="", repr=False, description="sqlite:///folder or mongodb://…; empty: SQLite in the home."
    )
    redis_url: str = Field(
        default="", repr=False, description="Live sessions, locks, limits; empty: the embedded Valkey."
    )
    blobs_url: str = Field(
        default="", repr=False, description="s3://bucket/prefix or file:///folder; empty: a folder in the home."
    )
    smtp_relay_url: str = Field(
        default="", repr=False, description="smtp://host:port for outgoing mail; empty: a maildir."
    )
    trusted_proxies: str = Field(default="", description="Addresses whose X-Forwarded-* headers are believed.")
    allow_private_urls: bool = Field(default=False, description="Let webhooks and providers be private addresses.")
    secret_key: SecretStr = Field(default=SecretStr(""), description="Encrypts secrets and signs tokens; keep it.")
    secrets_dir: Path | None = Field(default=None, description="Folder of files, each the value of a setting.")
    minimum_free_bytes: int = Field(default=64 * 1024 * 1024, ge=0, description="Refuse new work below this.")
    crash_at: str = Field(default="", description="Fault tests only: die at a named point, `point` or `point:passage`.")
    stop_delay_seconds: float = Field(
        default=0, ge=0, le=300, description="How long readiness is false before the doors close."
    )
    stop_grace_seconds: float = Field(
        default=30, gt=0, le=600, description="How long closing the doors and finishing the work may take then."
    )
    otlp_endpoint: str = Field(
        default="", description="OpenTelemetry collector, http://host:4318; empty: no traces leave."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="How much is logged.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Where settings come from, the first that has one: the caller, the environment, the folder of secrets."""
        del dotenv_settings, file_secret_settings
        named = {**env_settings(), **init_settings()}.get("secrets_dir")
        if not named or not Path(named).is_dir():
            return init_settings, env_settings
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=named)

    @field_validator("secret_key")
    @classmethod
    def _withstands_guessing(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            derive_keys(value.get_secret_value(), "check")
        return value

    @property
    def origin(self) -> str:
        """The public origin, without a trailing slash."""
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")
