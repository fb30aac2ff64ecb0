"""The best document engine that this machine has."""

from engines.cache import Cache
from engines.documents.answering import answers
from engines.documents.kinds import Kind, best_kind
from engines.settings import EngineSettings
from engines.single import SingleServer


class DocumentEngine(SingleServer):
    """A server that speaks MongoDB's protocol; `name` says what it really is."""

    def __init__(self, kind: Kind | None = None) -> None:
        chosen = kind or best_kind(Cache(EngineSettings().engines_cache))
        super().__init__(chosen.name, chosen.command, answers=answers)

    @property
    def url(self) -> str:
        """Where clients connect; the same over restarts."""
        return f"mongodb://127.0.0.1:{self._port}/"
