"""Trained models: the file, inference, calibration, provenance."""
