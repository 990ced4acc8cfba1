"""Evaluation protocols, and a check for leaks."""
