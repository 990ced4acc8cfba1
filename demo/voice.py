"""A speech synthesiser (eSpeak NG) through ctypes: text, voice and delivery to samples."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from speech_emotion.core.errors import PipelineError

# espeak-ng's speak_lib.h: AUDIO_OUTPUT_SYNCHRONOUS, POS_CHARACTER, espeakCHARS_UTF8, espeakRATE / PITCH / RANGE.
SYNCHRONOUS, BY_CHARACTER, UTF8 = 2, 1, 1
RATE, PITCH, RANGE = 1, 3, 4
SEED = 1
RECEIVER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Delivery:
    """How a text is spoken: words a minute, and pitch and its range from 0 to 100 (50 is the voice's own)."""

    rate_wpm: float
    pitch: float
    pitch_range: float


class Synthesiser:
    """Speaks. A fresh process gives the same samples for the same sequence of calls; another order gives others."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self.sample_rate = int(
            self._library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        )
        if self.sample_rate <= 0:
            raise PipelineError(f"espeak-ng: did not start (code {self.sample_rate}); reinstall espeakng-loader")
        self._spoken: list[NDArray[np.int16]] = []
        self._receiver = RECEIVER(self._receive)  # kept, or ctypes frees what the library still calls
        self._library.espeak_SetSynthCallback(self._receiver)

    def say(self, text: str, voice: str, delivery: Delivery) -> NDArray[np.float32]:
        """Return `text` spoken by the espeak-ng `voice` (such as `en-us+f2`), `[samples]` within -1 to 1.

        Raises:
            PipelineError: `voice` is unknown or `text` was not spoken.
        """
        self._spoken.clear()
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(SEED))  # breathy voices have noise, seeded by the clock
        self._require(self._library.espeak_SetVoiceByName(voice.encode()), f"voice '{voice}'")
        settings = ((RATE, delivery.rate_wpm), (PITCH, delivery.pitch), (RANGE, delivery.pitch_range))
        for parameter, value in settings:
            self._require(self._library.espeak_SetParameter(parameter, round(value), 0), f"{delivery}")
        utf8 = text.encode()
        speak: Callable[..., int] = self._library.espeak_Synth
        self._require(speak(utf8, len(utf8) + 1, 0, BY_CHARACTER, 0, UTF8, None, None), f"text '{text}'")
        return np.concatenate(self._spoken).astype(np.float32) / np.float32(2**15)

    def _receive(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: object) -> int:
        if samples and count > 0:
            self._spoken.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def _require(self, code: int, thing: str) -> None:
        if code:
            raise PipelineError(f"espeak-ng: {thing} was refused (code {code}); take what its documentation lists")
