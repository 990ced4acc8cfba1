"""Memory that several answers share."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from speech_emotion.predict.session import FULL, _arena


def test_answers_that_do_not_fit_beside_others_wait_for_them() -> None:
    large_began, others_ended = Event(), Event()

    def other(_: object) -> str:
        large_began.wait(5)
        others_ended.set()
        return "other"

    def large(_: object) -> str:
        large_began.set()
        if not others_ended.is_set():
            raise RuntimeError(f"{FULL} 5 is smaller than requested bytes of 7")
        return "large"

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(_arena().give, run) for run in (other, large)]
        assert [one.result(10) for one in answers] == ["other", "large"]
