"""The intake ledger: how each delivery of a customer's message ended (I2)."""
