"""One action on many tickets (L8)."""
