"""Texts and questions to grounded facts."""
