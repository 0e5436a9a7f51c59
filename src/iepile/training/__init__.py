"""Training of the compact model and tuning of language models."""
