"""Messages that are commands: STOP, START, HELP and an account's own words (M4). Pure.

The English words are those of the CTIA and of Twilio's default handling, with REVOKE and OPTOUT as the FCC's rules of
2025 name them; other languages have the words their operators use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from contracts.settings import SmsKeyword

Effect = Literal["stop", "start", "help", "custom"]

_STOP = frozenset(
    {
        "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT",  # en
        "ARRET", "ARRÊT", "DESABONNER", "DÉSABONNER",  # fr
        "ABMELDEN", "STOPP",  # de
        "BAJA", "PARAR", "CANCELAR",  # es, pt
        "ANNULLA", "AFMELDEN",  # it, nl
    }
)  # fmt: skip
_START = frozenset({"START", "UNSTOP", "YES", "OUI", "JA", "SI", "SÍ", "SIM", "SÌ"})
_HELP = frozenset({"HELP", "INFO", "AIDE", "HILFE", "AYUDA", "AIUTO", "AJUDA"})


@dataclass(frozen=True, slots=True)
class Keyword:
    """A recognised command, and the account's own answer to it if there is one."""

    word: str
    effect: Effect
    answer: str


def recognise(text: str, own: Mapping[str, SmsKeyword]) -> Keyword | None:
    """The keyword a whole message consists of, punctuation and case aside; None for an ordinary message."""
    word = text.strip().strip(".!\"'").upper()
    answers = {name.strip().upper(): keyword.text for name, keyword in own.items()}
    effect = _effect_of(word, word in answers)
    return None if effect is None else Keyword(word=word, effect=effect, answer=answers.get(word, ""))


def means_consent(*, known: bool, stopped: bool) -> bool:
    """START and YES are consent only from a stopped or unknown number; from anybody else "yes" is an answer."""
    return stopped or not known


def _effect_of(word: str, is_own: bool) -> Effect | None:  # noqa: FBT001 - private, one call
    if word in _STOP:
        return "stop"
    if word in _START:
        return "start"
    if word in _HELP:
        return "help"
    return "custom" if is_own else None
