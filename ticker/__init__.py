"""ticker: an alert posted once stands, correct, on every screen."""

__version__ = "0.1.0"
