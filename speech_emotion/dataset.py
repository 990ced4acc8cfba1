"""Shards and a split to batches: the clips of one part in memory, drawn by corpus."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from speech_emotion.emotions import EMOTIONS
from speech_emotion.errors import PipelineError
from speech_emotion.fastai_parts import DataLoader
from speech_emotion.mel_settings import Mel
from speech_emotion.store import require_mels
from speech_emotion.view import pack


@dataclass(frozen=True)
class Clips:
    """Clips of one part on one device: `levels` uint8 `[clips, M, F]`, zero behind the end at `lengths` frames."""

    levels: Tensor
    lengths: Tensor  # float32 [clips]
    targets: Tensor  # int64 [clips], index into EMOTIONS
    corpora: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.targets)


def part_clips(split: pd.DataFrame, part: str, mels: Mapping[str, Mel], device: torch.device) -> Clips:
    """Return the clips of `part` in the order of the split table.

    Raises:
        PipelineError: the part is empty, or one of its clips has no spectrogram.
    """
    rows = split[split["part"] == part]
    if rows.empty:
        raise PipelineError(f"split: part '{part}' has no clips; change params.split and run `dvc repro split`")
    require_mels(rows["clip"], mels)
    levels, lengths = pack([mels[clip] for clip in rows["clip"]])
    targets = torch.tensor([EMOTIONS.index(emotion) for emotion in rows["emotion"]])
    corpora = tuple(clip.partition("/")[0] for clip in rows["clip"])
    return Clips(levels.to(device), lengths.to(device), targets.to(device), corpora)


class ClipLoader(DataLoader):  # type: ignore[misc]
    """A fastai loader of `(images, targets)` that cuts each batch out of clips that are already on the device."""

    def __init__(
        self,
        clips: Clips,
        view: Callable[[Tensor, Tensor], Tensor],
        batch_size: int,
        *,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        """Batch `clips` through `view(levels, lengths) -> images`.

        Args:
            clips: what to draw from.
            view: turns `[B, M, F]` levels and `[B]` lengths into images `[B, 3, S, S]`.
            batch_size: images a batch; when training, a last incomplete batch is left out.
            shares: training if given: shuffled, and of each corpus this share is drawn anew each epoch (1 if unnamed).

        Raises:
            PipelineError: a share is not in [0, 1], names a corpus that has no clips, or no clip is left.
        """
        _check_shares(shares or {}, clips.corpora)
        self.clips, self.view, self.shares = clips, view, shares or {}
        count = sum(self._quota(corpus) for corpus in set(clips.corpora))
        training = shares is not None
        super().__init__(
            range(len(clips)),
            bs=min(batch_size, count),
            shuffle=training,
            drop_last=training,
            n=count,
            device=clips.levels.device,
        )

    def _quota(self, corpus: str) -> int:
        return round(self.clips.corpora.count(corpus) * self.shares.get(corpus, 1.0))

    def get_idxs(self) -> list[int]:
        """Return the clips of one epoch."""
        indices = list(range(len(self.clips)))
        if not self.shuffle:
            return indices
        left = {corpus: self._quota(corpus) for corpus in sorted(set(self.clips.corpora))}
        drawn = []
        for index in self.shuffle_fn(indices):
            corpus = self.clips.corpora[index]
            if left[corpus]:
                left[corpus] -= 1
                drawn.append(index)
        return drawn

    def create_item(self, index: int) -> int:
        """Return the index itself: clips are looked up a batch at a time."""
        return index

    def do_batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return images `[B, 3, S, S]` and targets `[B]`."""
        rows = torch.tensor(indices, device=self.clips.levels.device)
        return self.view(self.clips.levels[rows], self.clips.lengths[rows]), self.clips.targets[rows]


def _check_shares(shares: Mapping[str, float], corpora: Sequence[str]) -> None:
    for corpus, share in shares.items():
        if corpus not in corpora:
            there = ", ".join(sorted(set(corpora)))
            raise PipelineError(f"shares: no training clip is of corpus '{corpus}', they are of {there}; take it out")
        if not 0 <= share <= 1:
            raise PipelineError(f"shares: {corpus} is {share}; it must be from 0 to 1")
    if not any(shares.get(corpus, 1.0) for corpus in corpora):
        raise PipelineError("shares: every corpus has 0, no clip is left to train on; raise one")
