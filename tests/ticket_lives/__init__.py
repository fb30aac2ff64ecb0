"""Random lives of tickets: the model, and the service that it is compared with."""
