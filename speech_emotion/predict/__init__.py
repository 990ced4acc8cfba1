"""Emotions of recordings, with what the installed base brings."""
