"""What answers questions, one file an engine."""
