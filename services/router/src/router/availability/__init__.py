"""Who can be given tickets: switches, presence, limits (A3, A7)."""
