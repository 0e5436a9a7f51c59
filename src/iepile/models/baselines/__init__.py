"""Baselines without a network: a feature CRF, and dictionaries of what the training texts hold."""
