"""Open data: OCDS 1.1 packages and bulk files."""
