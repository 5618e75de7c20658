"""Risk indicators (风险提示): one class a rule; flags, and the cases made of them."""
