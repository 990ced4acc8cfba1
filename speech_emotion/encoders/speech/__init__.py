"""Log-mels as Whisper hears them, for an encoder that was trained on speech."""
