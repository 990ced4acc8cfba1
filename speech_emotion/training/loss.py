"""The loss of a training: over all emotions, or over those that the corpus of a clip has.

A corpus that has no disgust teaches a softmax over all emotions that voices and rooms like its own never show any. Over
the emotions that it has, it says nothing of the others.

Axes: B clips, C corpora, E emotions.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from speech_emotion.clips import EMOTIONS
from speech_emotion.training.fastai_parts import CrossEntropyLossFlat
from speech_emotion.training.settings import CORPUS, TrainSettings

ABSENT = -1e4  # a logit whose probability is 0 in any precision; infinity times a target of 0 would be no number


def with_corpora(targets: Tensor, corpora: Sequence[str]) -> Tensor:
    """Return targets `[B]` that say the corpus, too: E times its number, from 1 on, and the emotion's index.

    So they stay one number a clip, which MixUp moves from clip to clip. A target below E is of no corpus in particular.
    """
    numbers = {corpus: number for number, corpus in enumerate(sorted(set(corpora)), start=1)}
    return targets + len(EMOTIONS) * torch.tensor([numbers[corpus] for corpus in corpora], device=targets.device)


def training_loss(targets: Tensor, settings: TrainSettings) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of logits and targets, given the targets of all training clips."""
    every: Callable[[Tensor, Tensor], Tensor] = CrossEntropyLossFlat(label_smoothing=settings.label_smoothing)
    return CorpusCrossEntropy(targets, settings.label_smoothing) if settings.loss_over == CORPUS else every


class CorpusCrossEntropy(nn.Module):
    """Cross-entropy over the emotions that occur in the clip's corpus; over all of them where no corpus is known."""

    y_int = True  # fastai: targets are indices, so that MixUp blends losses instead of targets

    def __init__(self, targets: Tensor, label_smoothing: float) -> None:
        """Take the emotions of each corpus from the `targets` of all training clips, as `with_corpora` gives them."""
        super().__init__()
        emotions = len(EMOTIONS)
        present = torch.zeros(int(targets.max()) // emotions + 1, emotions, dtype=torch.bool, device=targets.device)
        present[targets // emotions, targets % emotions] = True
        present[0] = True
        self.present: Tensor
        self.register_buffer("present", present)  # [1 + C, E]
        self.label_smoothing, self.reduction = label_smoothing, "mean"

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of `logits` `[B, E]`; what a corpus lacks gets no gradient, and no share of the smoothing."""
        present = self.present[targets // len(EMOTIONS)]  # [B, E]
        actual = F.one_hot(targets % len(EMOTIONS), len(EMOTIONS))
        even = present / present.sum(1, keepdim=True)
        wanted = (1 - self.label_smoothing) * actual + self.label_smoothing * even
        return F.cross_entropy(logits.masked_fill(~present, ABSENT), wanted, reduction=self.reduction)
