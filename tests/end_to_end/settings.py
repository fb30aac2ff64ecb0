"""What the environment says about the end-to-end tests."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Composition = Literal["embedded", "processes", "production"]
"""`embedded`: all in one process. `processes`: one for each service, on a Valkey and SQLite files that they share.
`production`: the same on the Kafka and MongoDB of `DESKBUS_TEST_KAFKA_URL` and `DESKBUS_TEST_MONGO_URL`."""


class EndToEndSettings(BaseSettings):
    """Every name is prefixed `DESKBUS_TEST_` in the environment."""

    model_config = SettingsConfigDict(env_prefix="DESKBUS_TEST_", frozen=True, extra="ignore")

    composition: Composition = Field(default="embedded", description="How the system under test is composed.")
    kafka_url: str = Field(default="", description="The Kafka of `production`.")
    mongo_url: str = Field(default="", description="The document engine of `production`.")
