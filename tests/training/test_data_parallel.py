"""What several processes share; that two of them train as one does is in tests/stages/test_encoders.py."""

import pytest
import torch
from torch import distributed

from speech_emotion.core.errors import PipelineError
from speech_emotion.training.data_parallel import data_parallel, is_first, own_rows

BATCH = (torch.arange(12).view(6, 2), torch.arange(6))


def test_alone_everything_is_its_own(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with data_parallel() as writes:
        assert writes
        assert is_first()
        assert own_rows(BATCH) is BATCH


def test_every_row_is_one_processes(monkeypatch):
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 3)
    rows = []
    for rank in range(3):
        monkeypatch.setattr(distributed, "get_rank", lambda rank=rank: rank)
        inputs, targets = own_rows(BATCH)
        assert (inputs[:, 0] == 2 * targets).all()
        rows += targets.tolist()
    assert sorted(rows) == list(range(6))


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 4)
    with pytest.raises(PipelineError, match="batch_size 6 cannot be shared by 4 processes"):
        own_rows(BATCH)
