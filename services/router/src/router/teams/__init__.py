"""Teams, and what routes to them (A1, A5)."""
