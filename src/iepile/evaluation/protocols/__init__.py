"""Scores by the rules of others."""
