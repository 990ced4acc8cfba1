"""Log-mels as pictures, for a network that was trained on photographs."""
