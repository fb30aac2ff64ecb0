"""What type stands at the end of a dotted path through a model: found once, when a collection is declared."""

import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class FieldType:
    """`nullable`: may be missing or null. `leaves`: the other types it may have; empty when nobody can tell.

    The two questions answer yes when in doubt: what cannot be told here is checked on every write.
    """

    nullable: bool
    leaves: frozenset[Any] = frozenset()

    @property
    def may_be_scalar(self) -> bool:
        """Whether an ordinary index could hold it."""
        return not any(get_origin(leaf) or _is_container(leaf) for leaf in self.leaves)

    @property
    def may_be_list(self) -> bool:
        """Whether it could be one of a collection's `lists`."""
        return all(get_origin(leaf) in {list, tuple, set, frozenset} for leaf in self.leaves)


_UNTOLD = FieldType(nullable=True)


def _is_container(leaf: Any) -> bool:
    return isinstance(leaf, type) and issubclass(leaf, BaseModel | list | tuple | set | frozenset | dict)


def field_type(model: type[BaseModel], path: str) -> FieldType:
    """Follow `path` from `model` through fields, computed fields, properties and mappings.

    Raises:
        ValueError: the model has no such field.
    """
    found = FieldType(nullable=False, leaves=frozenset({model}))
    for name in path.split("."):
        step = _united(_step(owner, name, f"{model.__name__}.{path}") for owner in found.leaves)
        found = FieldType(nullable=found.nullable or step.nullable, leaves=step.leaves)
    return found


def _step(owner: Any, name: str, path: str) -> FieldType:
    origin = get_origin(owner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return FieldType(nullable=True, leaves=_unfold(get_args(owner)[1]).leaves)
    if isinstance(owner, type) and issubclass(owner, BaseModel):
        if name in owner.model_fields:
            return _unfold(owner.model_fields[name].annotation)
        if name in owner.model_computed_fields:
            return _unfold(owner.model_computed_fields[name].return_type)
        member = getattr(owner, name, None)
        if isinstance(member, property) and member.fget is not None:
            return _unfold(get_type_hints(member.fget).get("return", Any))
    raise ValueError(f"{path}: there is no {name!r} in {getattr(owner, '__name__', owner)}")


def _unfold(annotation: Any) -> FieldType:  # noqa: PLR0911 - one for each way of writing a type
    """Take aliases, annotations and unions apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unfold(get_args(annotation)[0])
    if origin is Literal:
        return _united(_unfold(type(value)) for value in get_args(annotation))
    if origin in {Union, types.UnionType}:
        return _united(_unfold(part) for part in get_args(annotation))
    if hasattr(annotation, "__value__"):
        return _unfold(annotation.__value__)
    if hasattr(annotation, "__supertype__"):
        return _unfold(annotation.__supertype__)
    if annotation is Any:
        return _UNTOLD
    if annotation is None or annotation is types.NoneType:
        return FieldType(nullable=True, leaves=frozenset({types.NoneType}))
    return FieldType(nullable=False, leaves=frozenset({annotation}))


def _united(parts: Iterable[FieldType]) -> FieldType:
    """A union; one part that nobody can tell makes the whole untold."""
    known = list(parts)
    if not all(part.leaves for part in known):
        return _UNTOLD
    leaves = frozenset[Any]().union(*(part.leaves for part in known))
    return FieldType(nullable=any(part.nullable for part in known), leaves=leaves - {types.NoneType})
