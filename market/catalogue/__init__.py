"""Catalogue (事项清单): approval items, services, qualifications, fee standards and baselines, by versions."""
