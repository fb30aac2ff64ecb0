"""Which pages may embed the widget (W7). Pure."""

from collections.abc import Sequence


def may_embed(origin: str | None, *, host: str, own_origin: str, allowed: Sequence[str]) -> bool:
    """Whether a page of this origin may open the chat.

    `host` is the request's own host header. No list: only our own pages. A client that is no browser names no origin
    and is let through: the list protects visitors' browsers, and cannot protect us from scripts.
    """
    if origin is None:
        return True
    wanted = {entry.rstrip("/").lower() for entry in allowed}
    ours = {own_origin.rstrip("/").lower(), f"http://{host}".lower(), f"https://{host}".lower()}
    return origin.rstrip("/").lower() in wanted | ours
