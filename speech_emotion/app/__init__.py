"""The page that listens: microphone or file, live bars, spectrogram and timeline."""
