"""An IMAP server that says what a test tells it to, for what no real server says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

Script = Mapping[str, Callable[[str], bytes]]
"""What is answered to a command, by its name; the argument is all that follows the name. `%TAG%` is its tag.

`CONTINUED` is a line without a tag, which goes on with the command before it and has its tag.
"""


def said(*lines: str) -> bytes:
    """Untagged lines, and that the command was done."""
    return "".join(f"{line}\r\n" for line in (*lines, "%TAG% OK done")).encode()


def body(uid: int, content: bytes) -> bytes:
    """A FETCH answer with one mail."""
    return f"* {uid} FETCH (UID {uid} BODY[] {{{len(content)}}}\r\n".encode() + content + b")\r\n%TAG% OK done\r\n"


def folder(*, uid_validity: int = 7, uid_next: int = 3) -> bytes:
    """An EXAMINE answer."""
    return said("* 2 EXISTS", f"* OK [UIDVALIDITY {uid_validity}] v", f"* OK [UIDNEXT {uid_next}] n")


POLITE: Script = {
    "GREETING": lambda _: b"* OK hello\r\n",
    "CAPABILITY": lambda _: said("* CAPABILITY IMAP4rev1"),
    "LOGIN": lambda _: said(),
    "EXAMINE": lambda _: folder(),
    "SEARCH": lambda _: said("* SEARCH 1 2"),
}


class ScriptedImap:
    """Says what its script says, to every client; a command that is not in the script is never answered."""

    def __init__(self, script: Script) -> None:
        self._script = {**POLITE, **script}
        self.asked: list[str] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen on a port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tag = ""
        try:
            writer.write(self._script["GREETING"](""))
            while line := await reader.readline():
                first, _, rest = line.decode(errors="replace").strip().partition(" ")
                if rest:
                    tag = first
                else:
                    rest = f"CONTINUED {first}"
                name, _, told = rest.removeprefix("UID ").partition(" ")
                self.asked.append(rest)
                if name in self._script:
                    writer.write(self._script[name](told).replace(b"%TAG%", tag.encode()))
                    await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()
