"""Providers as they behave, with a phone behind each: they check every request, and do what goes wrong."""
