"""What a process that reads calendars is asked, and answers. Without the libraries that it reads them with."""

from datetime import date

from pydantic import BaseModel, ConfigDict

from router.schedules.closures import Closure


class CalendarRefused(ValueError):
    """The calendar cannot be used; `code` is public."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CalendarRequest(BaseModel):
    """What to read, the zone its floating times are meant in, and for which dates, both counted in."""

    model_config = ConfigDict(frozen=True)

    content: str
    zone: str
    first: date
    last: date


class CalendarAnswer(BaseModel):
    """The closures, or the public code of why there are none."""

    model_config = ConfigDict(frozen=True)

    closures: tuple[Closure, ...] = ()
    refused: str | None = None
