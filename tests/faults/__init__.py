"""Faults, injected for real: into servers, into the lines between them, into processes."""
