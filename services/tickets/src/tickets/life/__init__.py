"""What becomes of a ticket: assigned, snoozed, closed, reopened (L1 to L4)."""
