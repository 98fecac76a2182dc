"""The way from the log to phones: the runner claims entries, a provider sends them."""
