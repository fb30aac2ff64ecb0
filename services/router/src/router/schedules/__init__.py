"""Office hours, their versions, and the calendars they take holidays from (H1)."""
