"""The program of a process that reads one calendar: a request as JSON on its standard input, an answer on its output.

Run as `python -m router.calendar_worker <seconds> <bytes>`. It ends by itself, whoever is left to wait for it: after
so many seconds, of the processor's time or of the clock, and it never holds more memory than given.
"""

import os
import resource
import signal
import sys
from zoneinfo import ZoneInfo

from router.schedules.calendar_answer import CalendarAnswer, CalendarRefused, CalendarRequest
from router.schedules.holiday_calendar import closures_in


def main() -> None:
    """Answer one request."""
    seconds, memory_bytes = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    signal.alarm(seconds)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    # A library that prints must not speak on our line.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request = CalendarRequest.model_validate_json(sys.stdin.buffer.read())
    answers.write(answer_to(request).model_dump_json())
    answers.flush()


def answer_to(request: CalendarRequest) -> CalendarAnswer:
    """What the calendar closes, or why that cannot be said."""
    try:
        closures = closures_in(request.content.encode(), ZoneInfo(request.zone), request.first, request.last)
    except CalendarRefused as error:
        return CalendarAnswer(refused=error.code)
    except MemoryError:
        return CalendarAnswer(refused="calendar_too_complex")
    except Exception:  # noqa: BLE001 - whatever a hostile calendar makes a library do is an answer about it
        return CalendarAnswer(refused="calendar_unreadable")
    return CalendarAnswer(closures=tuple(closures))


if __name__ == "__main__":
    main()
