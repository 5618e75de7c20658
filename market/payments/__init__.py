"""Payments (付款): a ledger of what is owed and settled; bank transfer and Stripe. The platform never holds money."""
