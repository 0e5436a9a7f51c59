"""The command line: one file a verb group, no logic."""
