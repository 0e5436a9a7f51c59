"""Schemas that come with the package, as data files: given by name wherever a schema file is."""
