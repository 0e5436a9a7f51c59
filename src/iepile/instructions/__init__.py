"""How questions are worded and which labels they ask."""
