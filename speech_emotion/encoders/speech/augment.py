"""Random changes of training clips, a batch at a time on the device: what could have been another recording.

Axes: B clips, M mel bins, W frames of the window.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from speech_emotion.encoders.speech.settings import AugmentSettings, EncoderSettings, FrontendSettings, MaskSettings
from speech_emotion.encoders.speech.view import inside, loudest, normalised, window

SNR_SPAN_DB = 30.0
REVERBERATION_S = 0.8  # the longest time in which reverberation falls by 60 dB
DIRECT_DB = 15.0  # the direct sound, at most above the reverberation
BABBLE_VOICES = 6
BABBLE_SNR_DB = (5.0, 35.0)
LOWEST_BAND, HIGHEST_BAND = 0.12, 0.6  # share of the mel bins: the most that a band takes off below and leaves


def train_view(
    levels: Tensor, lengths: Tensor, frontend: FrontendSettings, settings: EncoderSettings
) -> tuple[Tensor, Tensor]:
    """Return a random, changed window of each clip, `[B, M, W]`, and the frames in it; arguments as `plain_view`."""
    change = settings.augment
    mel, lengths = random_window(levels, lengths, round(settings.window_s * frontend.frames_per_s), speed=change.speed)
    mel = _shift(mel, change.shift_mels)
    if change.room_share or change.babble_share or change.noise_share or change.band_share:
        mel = record(mel, lengths, change, frontend)
    if settings.level_normalised:
        mel = normalised(mel, lengths)
    mel = mel + change.gain_db / (10 * frontend.DECADES) * _uniform(mel, -1, 1)
    mel = mask(mel, lengths, settings.masks, frontend.frames_per_s)
    return mel * inside(mel, lengths), lengths


def random_window(levels: Tensor, lengths: Tensor, width: int, *, speed: float) -> tuple[Tensor, Tensor]:
    """Cut a window at a random place and speed (as `view.window`); a shorter clip stands at its beginning, whole."""
    rates = _uniform(levels, 1 - speed, 1 + speed).flatten()
    starts = (lengths - width * rates).clamp(min=0) * _uniform(levels, 0, 1).flatten()
    return window(levels, lengths, starts, rates, width)


def record(mel: Tensor, lengths: Tensor, change: AugmentSettings, frontend: FrontendSettings) -> Tensor:
    """Return log-mels as another room, another background and another line would leave them.

    Powers add up, which for voices and noise that know nothing of each other is right on average.
    """
    power = 10 ** (mel * frontend.DECADES - frontend.OFFSET) * inside(mel, lengths)
    power = torch.where(_chosen(mel, change.room_share), _reverberate(power, frontend.frames_per_s), power)
    if change.babble_share:
        power = torch.where(_chosen(mel, change.babble_share), _add_babble(power, lengths), power)
    power = torch.where(_chosen(mel, change.noise_share), _add_noise(power, lengths, change.noise_snr_db), power)
    power = torch.where(_chosen(mel, change.band_share), _limit(power), power)
    found = (power.clamp(min=frontend.AMIN).log10() + frontend.OFFSET) / frontend.DECADES
    return torch.maximum(found, loudest(found, lengths) - frontend.floor_decades / frontend.DECADES)


def mask(mel: Tensor, lengths: Tensor, change: MaskSettings, frames_per_s: float) -> Tensor:
    """Fill stripes of time and of frequency with the mean of the clip.

    Source: Park et al. 2019, SpecAugment, doi:10.21437/Interspeech.2019-2680.
    """
    cells = lengths[:, None, None] * mel.shape[1]
    mean = (mel * inside(mel, lengths)).sum((1, 2), keepdim=True) / cells
    frames, bins = (torch.arange(extent, device=mel.device) + 0.5 for extent in (mel.shape[2], mel.shape[1]))
    for _ in range(change.time_masks):
        stripe = _stripe(frames, lengths[:, None, None], change.time_mask_s * frames_per_s)
        mel = torch.where(stripe, mean, mel)
    for _ in range(change.mel_masks):
        stripe = _stripe(bins, torch.full_like(mean, len(bins)), change.mel_mask_bins)
        mel = torch.where(stripe.transpose(1, 2), mean, mel)
    return mel


def _stripe(cells: Tensor, extent: Tensor, longest: float) -> Tensor:
    """Return `[B, 1, cells]`, true in a stripe of at most `longest` somewhere below `extent` `[B, 1, 1]`."""
    length = torch.minimum(_uniform(extent, 0, longest), extent)
    start = (extent - length) * _uniform(extent, 0, 1)
    return (cells >= start) & (cells < start + length)


def _shift(mel: Tensor, bins: int) -> Tensor:
    if not bins:
        return mel
    shift = torch.randint(-bins, bins + 1, (len(mel), 1), device=mel.device)
    source = (torch.arange(mel.shape[1], device=mel.device) - shift).clamp(0, mel.shape[1] - 1)  # [B, M]
    return mel.gather(1, source[:, :, None].expand_as(mel))


def _reverberate(power: Tensor, frames_per_s: float) -> Tensor:
    """Let each frame die away exponentially in those behind it."""
    frames = torch.arange(1, round(REVERBERATION_S * frames_per_s), device=power.device)
    falling = 10 ** (-6 * frames / (frames_per_s * _uniform(power, 0.1, REVERBERATION_S)))  # [B, 1, K]
    late = falling / falling.sum(2, keepdim=True) * 10 ** (-_uniform(power, 0, DIRECT_DB) / 10)
    kernel = torch.cat([torch.ones_like(late[:, :, :1]), late], 2).flip(2)
    padded = F.pad(power.transpose(0, 1), (len(frames), 0))  # [M, B, K + W]
    return F.conv1d(padded, kernel, groups=len(power)).transpose(0, 1)


def _add_babble(power: Tensor, lengths: Tensor) -> Tensor:
    """Add voices of the batch at one level each, from a random frame on, repeated to the clip's length."""
    frames = torch.arange(power.shape[2], device=power.device)
    unit = power / _mean(power, lengths).clamp(min=1e-20)
    babble = torch.zeros_like(power)
    for _ in range(BABBLE_VOICES):
        other = torch.randperm(len(power), device=power.device)
        count = lengths[other, None]
        first = (torch.rand(len(power), 1, device=power.device) * count).floor()
        place = ((frames + first) % count).long()[:, None].expand_as(power)
        babble += unit[other].gather(2, place)
    babble *= inside(power, lengths)
    level = _mean(power, lengths) * 10 ** (-_uniform(power, *BABBLE_SNR_DB) / 10)
    return power + babble * level / _mean(babble, lengths).clamp(min=1e-20)


def _add_noise(power: Tensor, lengths: Tensor, snr_db: float) -> Tensor:
    """Add noise of a random colour, up to 20 dB from the lowest to the highest bin."""
    mean = _mean(power, lengths)
    slope = torch.linspace(-1, 1, power.shape[1], device=power.device)[:, None]
    colour = 10 ** (slope * _uniform(power, -1, 1))  # [B, M, 1]
    level = mean * 10 ** (-_uniform(power, snr_db, snr_db + SNR_SPAN_DB) / 10)
    # The power of noise in a frame is exponentially distributed in each bin of the spectrum, of which a filter has two.
    flicker = -(torch.rand_like(power).clamp(min=1e-6) * torch.rand_like(power).clamp(min=1e-6)).log() / 2
    return power + level * flicker * colour / colour.mean(1, keepdim=True)


def _limit(power: Tensor) -> Tensor:
    """Silence the bins outside a random band."""
    place = torch.linspace(0, 1, power.shape[1], device=power.device)[:, None]
    return power * ((place >= _uniform(power, 0, LOWEST_BAND)) & (place <= _uniform(power, HIGHEST_BAND, 1)))


def _mean(power: Tensor, lengths: Tensor) -> Tensor:
    """Return the mean power of each clip, `[B, 1, 1]`."""
    return power.sum((1, 2), keepdim=True) / (lengths[:, None, None] * power.shape[1])


def _chosen(mel: Tensor, share: float) -> Tensor:
    return _uniform(mel, 0, 1) < share


def _uniform(mel: Tensor, low: float, high: float) -> Tensor:
    """Return a random number a clip, `[B, 1, 1]`."""
    return low + (high - low) * torch.rand(len(mel), 1, 1, device=mel.device)
