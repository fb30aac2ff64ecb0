"""Mail by providers' webhooks: proven, matched with an account, and taken raw."""
