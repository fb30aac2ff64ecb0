"""Who gets a ticket and why: decided, kept, explained, simulated (A2, A6, A9)."""
