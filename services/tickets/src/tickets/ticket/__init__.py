"""What a ticket is: its documents, events, stores, and the one way of changing it."""
