"""Where seeds live: one interface, one file an implementation."""
