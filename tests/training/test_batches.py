import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings
from speech_emotion.encoders import protocol
from speech_emotion.shards import Mels, Shard, read_shards, write_shard
from speech_emotion.training import batches as batches_module
from speech_emotion.training.batches import ClipLoader, loaders, part_clips
from speech_emotion.training.fastai_parts import set_seed
from speech_emotion.training.settings import read_train_settings
from tests.trainings import FRONTEND, PARAMS, train_settings

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _seed():
    random.seed(0)


def split_of(counts, part="train"):
    """Clips of each corpus, in an order that mixes the corpora, with emotions in turn."""
    rows = [(f"{corpus}/{number:03d}", corpus) for corpus, count in counts.items() for number in range(count)]
    table = pd.DataFrame(rows, columns=["clip", "corpus"]).sort_values(["clip"], key=lambda clip: clip.str[-3:])
    table["emotion"] = [EMOTIONS[place % 8] for place in range(len(table))]
    return table.assign(part=part)[["clip", "corpus", "emotion", "part"]].reset_index(drop=True)


def mels_of(split):
    """One frame a clip, whose level is the clip's place in the split."""
    return Mels("image", FRONTEND, {clip: np.full((2, 1), place, np.uint8) for place, clip in enumerate(split["clip"])})


def loader(counts, batch_size, shares=None):
    split = split_of(counts)
    clips = part_clips(split, "train", mels_of(split), CPU)
    settings = train_settings(batch_size=batch_size)
    return ClipLoader(clips, lambda levels, lengths: (levels[:, 0, 0],), settings, shares=shares)


@pytest.fixture(params=["image", "speech"])
def stored(request, tmp_path):
    """A split, its clips in shards, and the settings of a training of the encoder."""
    encoder, rng = request.param, np.random.default_rng(0)
    frontend = read_settings(PARAMS, f"{encoder}.spectrograms", protocol.settings(encoder).FrontendSettings)
    split = pd.concat([split_of({"ravdess": 12}), split_of({"tess": 9}, "valid")], ignore_index=True)
    scale = 255 if encoder == "image" else 1
    mels = {
        clip: (scale * rng.random((frontend.n_mels, rng.integers(20, 700)))).astype(
            np.uint8 if encoder == "image" else np.float16
        )
        for clip in split["clip"]
    }
    write_shard(tmp_path / "01.safetensors", Shard(encoder, mels, dict.fromkeys(mels, "key"), frontend))
    training = "low" if encoder == "image" else "all"
    settings = replace(read_train_settings(PARAMS, encoder, training), batch_size=4, shares={})
    return split, read_shards([tmp_path]), settings


def test_batches_from_the_shards_are_those_from_the_device_bit_for_bit(stored, monkeypatch):
    split, mels, settings = stored
    batches = {}
    for most_mb in (batches_module.MOST_MB, 0):
        monkeypatch.setattr(batches_module, "MOST_MB", most_mb)
        set_seed(0)
        data = loaders(split, mels, settings, CPU, scored=True)
        assert bool(data.train.clips.packed) == bool(data.valid.clips.packed) == bool(most_mb)
        batches[most_mb] = [tensor for loader in (data.train, data.valid) for batch in loader for tensor in batch]
    device, shards = batches.values()
    assert len(device) == len(shards) >= 12
    assert all(torch.equal(one, other) for one, other in zip(device, shards, strict=True))


def epoch(batches):
    """Places of the clips of one epoch, by batch; each must come with its own emotion."""
    found = []
    for places, targets in batches:
        assert [place % 8 for place in places.tolist()] == targets.tolist()
        found.append(places.tolist())
    return found


def flat(batches):
    return [place for batch in batches for place in batch]


def test_a_part_keeps_the_order_of_the_split_its_emotions_and_corpora():
    parts = [split_of({"ravdess": 3, "tess": 2}), split_of({"savee": 4}, "valid")]
    split = pd.concat(parts, ignore_index=True)
    clips = part_clips(split, "train", mels_of(split), CPU)
    assert len(clips) == 5
    levels, lengths, targets = clips.batch([0, 1, 2, 3, 4])
    assert levels[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert [EMOTIONS[target] for target in targets] == split["emotion"][:5].tolist()
    assert clips.corpora == ("ravdess", "tess", "ravdess", "tess", "ravdess")
    assert lengths.tolist() == [1] * 5


def test_a_part_without_clips_is_named():
    split = split_of({"tess": 2})
    with pytest.raises(PipelineError, match=r"part 'valid' has no clips; change params\.split"):
        part_clips(split, "valid", mels_of(split), CPU)


def test_clips_without_spectrogram_are_counted_and_one_is_named():
    split = split_of({"tess": 4})
    mels = mels_of(split)
    mels = mels.only(["tess/000", "tess/002"])
    with pytest.raises(PipelineError, match=r"tess/001: has no spectrogram \(2 clips have none\)"):
        part_clips(split, "train", mels, CPU)


def test_an_epoch_of_training_has_every_clip_once_in_a_new_order():
    batches = loader({"ravdess": 12, "tess": 12}, 8, shares={})
    first, second = epoch(batches), epoch(batches)
    assert [len(batch) for batch in first] == [8, 8, 8]
    assert sorted(flat(first)) == sorted(flat(second)) == list(range(24))
    assert flat(first) != flat(second) != list(range(24))


def test_training_leaves_an_incomplete_batch_out_and_scoring_does_not():
    training, scoring = loader({"tess": 21}, 8, shares={}), loader({"tess": 21}, 8)
    assert [len(batch) for batch in epoch(training)] == [8, 8]
    assert [len(batch) for batch in epoch(scoring)] == [8, 8, 5]
    assert (len(training), len(scoring)) == (2, 3)


def test_scoring_keeps_the_order_of_the_split_each_time():
    scoring = loader({"ravdess": 12, "tess": 9}, 8)
    for _ in range(2):
        assert flat(epoch(scoring)) == list(range(21))


def test_the_clip_left_out_is_another_each_epoch():
    batches = loader({"tess": 9}, 8, shares={})
    left_out = {(set(range(9)) - set(flat(epoch(batches)))).pop() for _ in range(30)}
    assert len(left_out) > 5


def test_shares_are_kept_and_drawn_anew_each_epoch():
    batches = loader({"ravdess": 10, "tess": 20}, 4, shares={"tess": 0.5})
    assert len(batches) == 5
    places = [corpus.partition("/")[0] for corpus in split_of({"ravdess": 10, "tess": 20})["clip"]]
    seen = set()
    for _ in range(10):
        drawn = flat(epoch(batches))
        assert len(set(drawn)) == 20
        corpora = [places[place] for place in drawn]
        assert (corpora.count("ravdess"), corpora.count("tess")) == (10, 10)
        assert corpora != sorted(corpora), "the corpora are mixed"
        seen |= {place for place in drawn if places[place] == "tess"}
    assert len(seen) == 20


def test_a_corpus_of_share_zero_is_never_drawn():
    batches = loader({"ravdess": 10, "tess": 20}, 5, shares={"tess": 0.0})
    assert len(flat(epoch(batches))) == 10


def test_a_part_smaller_than_a_batch_is_one_batch():
    assert [len(batch) for batch in epoch(loader({"tess": 5}, 64, shares={}))] == [5]
    assert [len(batch) for batch in epoch(loader({"tess": 5}, 64))] == [5]


def test_the_order_follows_the_seed():
    orders = []
    for seed in (3, 3, 4):
        random.seed(seed)
        batches = loader({"tess": 24}, 8, shares={})
        orders.append((epoch(batches), epoch(batches)))
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"TESS": 0.5}, "no training clip is of corpus 'TESS', they are of ravdess, tess"),
        ({"tess": 0.0, "ravdess": 0.0}, "no clip is left to train on"),
    ],
)
def test_shares_that_cannot_be_meant_are_refused(shares, message):
    with pytest.raises(PipelineError, match=message):
        loader({"ravdess": 4, "tess": 4}, 2, shares=shares)
