"""The authorities whose certificates mail servers and their token servers may have."""

import asyncio
import ssl
from pathlib import Path


class Trust:
    """Those of the system, and of a file. They are read once, when first needed, beside the event loop."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None

    async def context(self) -> ssl.SSLContext:
        """For connections to servers that must prove their names."""
        if self._context is None:
            self._context = await asyncio.to_thread(self._read)
        return self._context

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        return context
