"""Front end, plain view and network as one module that takes a waveform, for `export`.

Axes: S samples, M mel bins, F frames, T tokens, C the encoder's width, N windows, D width of an embedding.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speech_emotion.encoders.speech.network import SpeechNetwork
from speech_emotion.encoders.speech.settings import EncoderSettings, FrontendSettings
from speech_emotion.encoders.speech.view import LONGEST_S, normalised
from speech_emotion.mel import filterbank

__all__ = ["LONGEST_S", "WaveformNetwork", "build"]


class WaveformNetwork(nn.Module):
    """One trimmed waveform `[S]` to embeddings, as `frontend.log_mel`, `view.plain_view` and `network.embed` do.

    In float32: the short-time Fourier transform is a convolution, so that every runtime has what it takes.
    """

    waves: Tensor
    filters: Tensor

    def __init__(self, network: SpeechNetwork, frontend: FrontendSettings, settings: EncoderSettings) -> None:
        super().__init__()
        self.network, self.frontend, self.level_normalised = network, frontend, settings.level_normalised
        self.register_buffer("waves", _windowed_waves(frontend))
        rate = frontend.sample_rate_hz
        filters = filterbank(rate, frontend.n_fft, frontend.n_mels, 0.0, rate / 2)
        self.register_buffer("filters", torch.from_numpy(filters.toarray()).float())

    def forward(self, waveform: Tensor, windows: Tensor) -> Tensor:
        """Return an embedding `[N, D]` for each of `windows` `[N, 2]`, start and end in seconds.

        Windows share all that is below the pooling, so that each adds next to nothing. What lies outside of the
        waveform is left out of them; each must hold a token, 20 ms, at least.
        """
        mel = self.log_mel(waveform)[:, :, : round(LONGEST_S * self.frontend.frames_per_s)]
        if self.level_normalised:
            mel = normalised(mel, torch.full((1,), mel.shape[2]))
        states, _ = self.network.states(mel, None)
        middles_s = (torch.arange(states.shape[1]) + 0.5) * (2 / self.frontend.frames_per_s)
        chosen = (middles_s >= windows[:, :1]) & (middles_s < windows[:, 1:])
        return self.network.pool(states.expand(windows.shape[0], -1, -1), chosen)

    def log_mel(self, waveform: Tensor) -> Tensor:
        """Return the log-mel `[1, M, F]` with the precision of the shards, float16."""
        settings, before = self.frontend, self.frontend.n_fft // 2
        padded = F.pad(F.pad(waveform[None, None], (before, 0), mode="reflect"), (0, settings.n_fft - before))
        cosines, sines = F.conv1d(padded, self.waves, stride=settings.hop_samples).chunk(2, 1)
        power = self.filters @ (cosines.square() + sines.square())
        decades = power.clamp(min=settings.AMIN).log10()
        floored = torch.maximum(decades, decades.amax((1, 2), keepdim=True) - settings.floor_decades)
        return ((floored + settings.OFFSET) / settings.DECADES).half().float()


def build(network: SpeechNetwork, frontend: FrontendSettings, settings: EncoderSettings) -> WaveformNetwork:
    """Return the module for a model's network and settings."""
    return WaveformNetwork(network, frontend, settings)


def _windowed_waves(settings: FrontendSettings) -> Tensor:
    """Return cosines and sines under the window, `[2 (1 + n_fft / 2), 1, n_fft]`."""
    bins, samples = torch.arange(1 + settings.n_fft // 2)[:, None], torch.arange(settings.n_fft)
    angles = (bins * samples % settings.n_fft).double() * (2 * torch.pi / settings.n_fft)
    waves = torch.cat([angles.cos(), angles.sin()])
    return (waves * torch.hann_window(settings.n_fft, dtype=torch.float64)).float()[:, None]
