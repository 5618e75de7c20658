"""Reviews (评价): both sides after acceptance, blind until both are in or the blind days have passed."""
