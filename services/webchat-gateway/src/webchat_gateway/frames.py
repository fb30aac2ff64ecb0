"""The frames of the chat's websocket, both ways."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from webchat_gateway.model import ChatMessage, Conversation

_LONGEST_TEXT = 10_000
_CLEAN = r"^[^\x00-\x1f\x7f]*$"
_ADDRESS = r"^[^@\s<>()\[\],;:\\\x22\x00-\x1f\x7f]+@[^@\s<>()\[\],;:\\\x22\x00-\x1f\x7f]+$"


def _says_something(text: str) -> str:
    if "\x00" in text or not text.strip():
        raise ValueError("a message must say something, and hold no NUL character")
    return text


class Frame(BaseModel):
    """What a client sends; fields of later versions are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Hello(Frame):
    """Begin, or resume with the token and the last number seen."""

    type: Literal["hello"]
    token: str | None = Field(default=None, max_length=300)
    seq: int = Field(default=0, ge=0, le=2**53)


class Say(Frame):
    """A message; `client_id` is the visitor's own name for it, the same when it is sent again."""

    type: Literal["message"]
    client_id: str = Field(min_length=1, max_length=100, pattern=_CLEAN)
    text: Annotated[str, Field(max_length=_LONGEST_TEXT), AfterValidator(_says_something)]


class Typing(Frame):
    """The visitor is typing. A sign of life; agents are not told yet."""

    type: Literal["typing"]


class New(Frame):
    """Start another conversation; with a `client_id` the same one, however often the wish is sent."""

    type: Literal["new"]
    client_id: str | None = Field(default=None, min_length=1, max_length=100, pattern=_CLEAN)


class Profile(Frame):
    """What the visitor filled into the form."""

    type: Literal["profile"]
    name: str | None = Field(default=None, max_length=200, pattern=_CLEAN)
    email: str | None = Field(default=None, max_length=320, pattern=_ADDRESS)


FromVisitor = Hello | Say | Typing | New | Profile
client_frames: TypeAdapter[FromVisitor] = TypeAdapter(Annotated[FromVisitor, Field(discriminator="type")])


def welcome(conversation: Conversation, token: str, seq: int) -> dict[str, Any]:
    """The answer to a hello; `seq` is the newest number there is."""
    return {"type": "welcome", "token": token, "conversation_id": conversation.id, "seq": seq}


def acknowledged(client_id: str, seq: int) -> dict[str, Any]:
    """The message is safe and has this number."""
    return {"type": "ack", "client_id": client_id, "seq": seq}


def message(one: ChatMessage) -> dict[str, Any]:
    """A message of the thread."""
    return {"type": "message", "seq": one.seq, "from": one.author, "text": one.text, "at": one.at.isoformat()}


def closed() -> dict[str, Any]:
    """The conversation has ended; the next message starts another."""
    return {"type": "closed"}


def error(code: str, detail: str) -> dict[str, Any]:
    """What was not taken, and why; nothing of it was acknowledged."""
    return {"type": "error", "code": code, "detail": detail}
