"""Promises, each kept by real servers, real sockets and a real browser."""
