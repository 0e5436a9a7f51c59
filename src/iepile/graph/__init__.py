"""The knowledge graph: edges with provenance, and the forms they are written in."""
