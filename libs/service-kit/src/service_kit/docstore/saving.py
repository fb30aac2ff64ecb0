"""Writing documents that may be new or known: two round trips at most, each fate still told."""

from collections.abc import Sequence

from service_kit.docstore.port import Collection, D, Fate


async def save_many(collection: Collection[D], documents: Sequence[D]) -> Sequence[Fate]:
    """Insert those with `rev` 0, replace the others; their fates in the order given."""
    fresh = [document for document in documents if document.rev == 0]
    known = [document for document in documents if document.rev > 0]
    fates: dict[str, Fate] = {}
    if fresh:
        fates |= {one.id: fate for one, fate in zip(fresh, await collection.insert_many(fresh), strict=True)}
    if known:
        fates |= {one.id: fate for one, fate in zip(known, await collection.replace_many(known), strict=True)}
    return [fates[document.id] for document in documents]
