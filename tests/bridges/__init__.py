"""The way to phones."""
