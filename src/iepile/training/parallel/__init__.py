"""Several processes: who does what, and how figures and weights come together."""
