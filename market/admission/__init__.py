"""Admission (入驻): a firm's entry, qualifications, practitioners, affiliations, expiry and standing."""
