"""What one of several replicas of a floor writes: all that is about the same document or key, and nobody else does."""

from zlib import crc32

from pydantic import BaseModel, ConfigDict

_UNEVEN = 0.8
"""Partitions are not equally full: a replica that is given fewer records than the others writes its share too."""


class Share(BaseModel):
    """Of so many replicas the one with this number."""

    model_config = ConfigDict(frozen=True)

    number: int = 0
    of: int = 1

    def holds(self, key: str) -> bool:
        """Whether what has this key is this replica's."""
        return crc32(key.encode()) % self.of == self.number

    def after(self, records: int) -> float:
        """How many records this replica has seen when all of them have seen so many."""
        return records if self.of == 1 else records / self.of * _UNEVEN
