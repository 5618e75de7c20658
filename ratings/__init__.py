"""What is said of a firm's finished work: reviews after acceptance, and credit published with its arithmetic."""
