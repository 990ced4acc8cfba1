"""Log-mels and a split to batches: the clips of one part, on the device or in their shards, drawn by corpus."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pandas as pd
import torch
from torch import Tensor

from speech_emotion.clips import indices
from speech_emotion.core.errors import PipelineError
from speech_emotion.encoders import protocol
from speech_emotion.encoders.protocol import Mel
from speech_emotion.model.inference import pack
from speech_emotion.shards import ChosenMels, Mels
from speech_emotion.training.data_parallel import own_rows
from speech_emotion.training.fastai_parts import DataLoader, DataLoaders
from speech_emotion.training.loss import with_corpora
from speech_emotion.training.settings import CORPUS, TrainSettings

MOST_MB = 512  # of one part on the device; the clips of a larger one stay in their shards

Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Clips:
    """Clips of one part, their targets on one device: a batch is the same from there and from the shards."""

    mels: ChosenMels
    targets: Tensor  # int64 [clips], index into EMOTIONS; in training perhaps with the corpus (`loss.with_corpora`)
    corpora: tuple[str, ...]
    longest: int  # frames
    packed: tuple[Tensor, Tensor] | None  # all clips on the device as `batch` gives them, unless they are too many

    def __len__(self) -> int:
        return len(self.targets)

    def batch(self, chosen: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return `levels` `[B, n_mels, longest]`, zero behind the end of each clip, the frames to there, the targets.

        What a network computes depends, in its last bits, on how wide a batch is: it is as wide as the part's longest.
        """
        rows = torch.tensor(chosen, device=self.targets.device)
        if self.packed:
            levels, lengths = (all_clips[rows] for all_clips in self.packed)
        else:
            levels, lengths = _packed([self.mels[row] for row in chosen], self.longest, self.targets.device)
        return levels, lengths, self.targets[rows]


def _packed(mels: Sequence[Mel], frames: int, device: torch.device) -> tuple[Tensor, Tensor]:
    levels, lengths = pack(mels, frames)
    return levels.to(device), lengths.to(device)


def loaders(
    split: pd.DataFrame, mels: Mels, settings: TrainSettings, device: torch.device, *, scored: bool
) -> DataLoaders:
    """Return batches of the part `train`, changed at random, and where `scored` of the part `valid` as it is.

    Raises:
        PipelineError: as `part_clips` and `ClipLoader`.
    """
    arguments = {"frontend": mels.settings, "settings": settings.encoder}
    train_view = partial(protocol.augment(mels.encoder).train_view, **arguments)
    clips = part_clips(split, "train", mels, device)
    if settings.loss_over == CORPUS:
        clips = replace(clips, targets=with_corpora(clips.targets, clips.corpora))
    training = ClipLoader(clips, train_view, settings, shares=settings.shares)
    if not scored:
        return DataLoaders(training, DataLoader([], num_workers=0), device=device)  # fastai validates after each epoch
    plain_view = partial(protocol.view(mels.encoder).plain_view, **arguments)
    validation = ClipLoader(part_clips(split, "valid", mels, device), plain_view, settings)
    return DataLoaders(training, validation, device=device)


def part_clips(
    split: pd.DataFrame, part: str, mels: Mels, device: torch.device, *, most_mb: float | None = None
) -> Clips:
    """Return the clips of `part` in the order of the split table, on the device up to `most_mb` (`MOST_MB`).

    Raises:
        PipelineError: the part is empty, or one of its clips has no spectrogram.
    """
    rows = split[split["part"] == part]
    if rows.empty:
        raise PipelineError(f"split: part '{part}' has no clips; change params.split and run `dvc repro split`")
    chosen = mels.of(rows["clip"])
    longest = max(chosen.frames())
    targets = torch.from_numpy(indices(rows["emotion"])).to(device)
    size_mb = len(chosen) * chosen[0].nbytes / chosen[0].shape[1] * longest / 1e6
    fits = size_mb <= (MOST_MB if most_mb is None else most_mb)
    packed = _packed(chosen[:], longest, device) if fits else None
    return Clips(chosen, targets, tuple(rows["corpus"]), longest, packed)


class ClipLoader(DataLoader):  # type: ignore[misc]
    """A fastai loader of `(*inputs, targets)` that looks up a batch at a time."""

    def __init__(
        self,
        clips: Clips,
        view: Callable[[Tensor, Tensor], Inputs],
        settings: TrainSettings,
        *,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        """Batch `clips` through `view(levels, lengths) -> inputs`.

        Args:
            clips: what to draw from.
            view: an encoder's view, to the network's inputs.
            settings: of the training; a last incomplete batch is left out when training.
            shares: training if given: shuffled, and of each corpus this share is drawn anew each epoch (1 if unnamed).

        Raises:
            PipelineError: a share names a corpus that has no clips, or no clip is left.
        """
        _check_shares(shares or {}, set(clips.corpora))
        self.clips, self.view, self.shares = clips, view, shares or {}
        count = sum(self._quota(corpus) for corpus in set(clips.corpora))
        training = shares is not None
        super().__init__(
            range(len(clips)),
            bs=min(settings.batch_size, count),
            shuffle=training,
            drop_last=training,
            n=count,
            device=clips.targets.device,
        )

    def _quota(self, corpus: str) -> int:
        return round(self.clips.corpora.count(corpus) * self.shares.get(corpus, 1.0))

    def get_idxs(self) -> list[int]:
        """Return the clips of one epoch."""
        every = list(range(len(self.clips)))
        if not self.shuffle:
            return every
        left = {corpus: self._quota(corpus) for corpus in sorted(set(self.clips.corpora))}
        drawn = []
        for index in self.shuffle_fn(every):
            corpus = self.clips.corpora[index]
            if left[corpus]:
                left[corpus] -= 1
                drawn.append(index)
        return drawn

    def create_item(self, index: int) -> int:
        """Return the index itself: clips are looked up a batch at a time."""
        return index

    def do_batch(self, chosen: list[int]) -> tuple[Tensor, ...]:
        """Return the network's inputs and, last, the targets `[B]`; in training this process's share of them."""
        levels, lengths, targets = self.clips.batch(chosen)
        batch = *self.view(levels, lengths), targets
        return own_rows(batch) if self.shuffle else batch


def _check_shares(shares: Mapping[str, float], corpora: set[str]) -> None:
    for corpus in shares:
        if corpus not in corpora:
            there = ", ".join(sorted(corpora))
            raise PipelineError(f"shares: no training clip is of corpus '{corpus}', they are of {there}; take it out")
    if not any(shares.get(corpus, 1.0) for corpus in corpora):
        raise PipelineError("shares: every corpus has 0, no clip is left to train on; raise one")
