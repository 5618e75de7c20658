"""Identity (身份): organisations, their people, roles, credentials and platform keys."""
