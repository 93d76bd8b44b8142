"""Outgrow: a campus-network backend that grows out of its key-value table, live."""

__version__ = "0.1.0"
