"""From raw data sets to clean documents and instructions: formats, catalogue, checks, statistics."""
