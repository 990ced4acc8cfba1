"""A second encoder, tiny and unlike the first: the loudness of a clip over time, for a network of three layers.

`tests/stages/test_encoders.py` copies this folder into a project's `speech_emotion/encoders/`.
"""
