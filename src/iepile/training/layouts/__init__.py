"""How rows lie in a batch: one file a layout."""
