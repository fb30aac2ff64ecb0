"""The token by which a visitor resumes a conversation. Pure."""

from service_kit.signing import Signer

_PURPOSE = "chat-resume"


def token_of(signer: Signer, account_id: str, conversation_id: str) -> str:
    """Names the conversation and proves that we gave it to its visitor."""
    return f"{conversation_id}.{signer.sign(_PURPOSE, account_id, conversation_id)}"


def conversation_of(signer: Signer, account_id: str, token: str) -> str | None:
    """The conversation of a token of ours; None for any other text."""
    conversation_id, separator, signature = token.partition(".")
    if not separator or not signer.verify(signature, _PURPOSE, account_id, conversation_id):
        return None
    return conversation_id
