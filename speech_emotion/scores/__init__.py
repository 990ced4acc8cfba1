"""Scores of answers: rates with intervals, calibration, comparisons, pictures."""
