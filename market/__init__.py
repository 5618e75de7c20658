"""The market before any auction: people, firms, services, jobs, notices, the audit record. Knows no bid and no page."""
