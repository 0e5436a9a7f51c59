"""Extraction over HTTP: `iepile serve`, its programming interface and its page."""
