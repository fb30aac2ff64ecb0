"""Coming in: passwords, second factors, sessions and API keys, and the projection that every service asks."""
