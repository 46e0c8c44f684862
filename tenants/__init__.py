"""Who: tenants, members, bots, customers and their identity, API keys, scope, limits, and the way out."""
