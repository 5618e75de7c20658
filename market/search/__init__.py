"""Search (检索): one port; Whoosh with Chinese tokens behind it."""
