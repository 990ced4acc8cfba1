"""Corpora from their homes, from archives or from local copies, checked clip by clip."""
