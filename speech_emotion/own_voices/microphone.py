"""The microphone and the loudspeaker of this machine, through PortAudio (package sounddevice, extra `record`)."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from speech_emotion.core.errors import PipelineError, one_line

Waveform = NDArray[np.float32]
WAY_OUT = "connect a microphone, or choose it in the system's sound settings"


class Sound(Protocol):
    """What records and plays."""

    sample_rate: int  # Hz

    def record(self, duration_s: float) -> Waveform:
        """Return `[samples]` in [-1, 1] of so many seconds from now on."""

    def play(self, waveform: Waveform) -> None:
        """Play `[samples]` to their end."""


class Microphone:
    """The system's default devices, at the microphone's own sample rate.

    Raises:
        PipelineError: PortAudio is not installed, or there is no microphone.
    """

    def __init__(self) -> None:
        try:
            import sounddevice
        except OSError as error:
            raise PipelineError(
                f"no sound: {one_line(error)}; install PortAudio (Debian, Ubuntu: apt install libportaudio2)"
            ) from error
        self._sound: Any = sounddevice
        try:
            device = sounddevice.query_devices(kind="input")
        except (sounddevice.PortAudioError, ValueError) as error:
            raise PipelineError(f"no microphone: {one_line(error)}; {WAY_OUT}") from error
        self.sample_rate = round(device["default_samplerate"])

    def record(self, duration_s: float) -> Waveform:
        """Return `[samples]` in [-1, 1] of so many seconds from now on.

        Raises:
            PipelineError: the microphone went away, or another program has it.
        """
        try:
            frames = self._sound.rec(
                round(duration_s * self.sample_rate), self.sample_rate, channels=1, dtype="float32", blocking=True
            )
        except self._sound.PortAudioError as error:
            raise PipelineError(f"the microphone cannot be read: {one_line(error)}; {WAY_OUT}") from error
        return np.asarray(frames[:, 0], dtype=np.float32)

    def play(self, waveform: Waveform) -> None:
        """Play `[samples]` to their end; without a loudspeaker, say so."""
        try:
            self._sound.play(waveform, self.sample_rate, blocking=True)
        except self._sound.PortAudioError as error:
            print(f"cannot be played ({one_line(error)})")
