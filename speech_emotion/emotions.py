"""The eight emotions, in the order that every table, matrix and network output has."""

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
