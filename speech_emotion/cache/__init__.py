"""Clips to shards: in parallel, and only what is new."""
