"""From a batch of customers' messages to tickets: read, decide, write."""
