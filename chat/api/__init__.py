"""The customer side over HTTP: parse, authenticate, limit, call one verb, render."""
