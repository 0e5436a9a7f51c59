"""The version: part of every stamp and journal, so that another version does its work anew."""

__version__ = "0.2.0"
