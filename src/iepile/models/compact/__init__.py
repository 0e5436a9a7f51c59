"""The embedded default: a span model conditioned on label texts."""
