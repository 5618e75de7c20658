"""Pages and JSON doors: the only package that knows Flask."""
