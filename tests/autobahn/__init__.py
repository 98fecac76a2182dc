"""Autobahn's cases against an echo on the connection class that readers have, and what they say of it."""
