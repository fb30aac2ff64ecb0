"""The bus port. Services use these names and never a broker's class."""

from service_kit.bus.codec import ForeignEvent, RecordTooLarge
from service_kit.bus.port import Bus, BusUnavailable, DeadLetter, Handler, Subscription

__all__ = ["Bus", "BusUnavailable", "DeadLetter", "ForeignEvent", "Handler", "RecordTooLarge", "Subscription"]
