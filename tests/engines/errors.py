"""What goes wrong with engines; every text says what to do about it."""


class EnginesError(Exception):
    """Any trouble with a test engine."""


class EngineMissingError(EnginesError):
    """The engine cannot be had on this machine; the text names what is wanting."""


class EngineNotReadyError(EnginesError):
    """The engine was started and did not answer; the text ends with what it said last."""


class WrongChecksumError(EnginesError):
    """A fetched file is not the one that was reviewed."""
