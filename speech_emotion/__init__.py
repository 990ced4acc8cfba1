"""Emotion in a voice: clips to log-mel spectrograms to a fine-tuned network."""
