"""Awards (中选): standstill, objection, refusal, next in order."""
