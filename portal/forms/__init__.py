"""Forms: text from people into typed values."""
