"""Encoders, a folder each, all with the same modules."""
