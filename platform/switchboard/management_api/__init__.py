"""The management API: what a tenant's programs do with bots, knowledge and conversations."""
