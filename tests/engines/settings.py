"""What the environment says about test engines."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EngineSettings(BaseSettings):
    """Which engines are given, where fetched ones are kept, and whether tests may go without."""

    model_config = SettingsConfigDict(env_prefix="DESKBUS_", frozen=True)

    engines_cache: Path = Field(default_factory=lambda: Path.home() / ".cache" / "deskbus-engines")
    require_engines: bool = False
    test_engines: str = ""
    test_kafka_url: str = ""
    test_mongo_url: str = ""
