"""HTTP requests that are repeated where that can help, and fail with one clear line."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests

from speech_emotion.core.errors import PipelineError

TIMEOUT_S = (15, 60)  # to connect, between two pieces of an answer
ATTEMPTS = 4
FIRST_WAIT_S = 1.0  # doubles from attempt to attempt
LONGEST_WAIT_S = 60.0
OVERLOADED = (408, 429)  # request timeout, too many requests
WAY_OUT = "run again to go on where it stopped, or set SPEECH_CORPORA to a folder with a local copy"

Answer = TypeVar("Answer")


class CutShort(requests.RequestException):
    """Fewer or more bytes came than the API announced."""


def read_json(url: str) -> Any:
    """Return the JSON document at `url`.

    Raises:
        PipelineError: as `persistently`, or the answer is no JSON.
    """

    def request() -> Any:
        response = requests.get(url, timeout=TIMEOUT_S)
        response.raise_for_status()
        return response.json()

    return persistently(request, url)


def persistently(request: Callable[[], Answer], url: str) -> Answer:
    """Return what `request` returns; repeat it after a broken connection, or when the server is overloaded.

    Raises:
        PipelineError: names `url` and why it could not be read.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return request()
        except requests.RequestException as error:
            if attempt == ATTEMPTS or not _may_pass(error):
                raise PipelineError(f"{url}: {_reason(error)}; {WAY_OUT}") from error
            time.sleep(_wait_s(error, attempt))
    raise ValueError(f"ATTEMPTS is {ATTEMPTS}; it must be 1 or more")


def _may_pass(error: requests.RequestException) -> bool:
    if isinstance(error, ValueError):  # an address that is none, an answer that is no JSON: the same next time
        return False
    return error.response is None or error.response.status_code in OVERLOADED or error.response.status_code >= 500


def _wait_s(error: requests.RequestException, attempt: int) -> float:
    asked = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    wait_s = float(asked) if asked.isdecimal() else FIRST_WAIT_S * 2 ** (attempt - 1)
    return min(wait_s, LONGEST_WAIT_S)


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.JSONDecodeError):
        return "the answer is no JSON; is the API's address in params.yaml right?"
    if isinstance(error, CutShort):
        return str(error)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut before the end"
    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT_S[1]} s"
    if isinstance(error, requests.ConnectionError):
        return "no connection; are you offline, or is the address wrong?"
    return f"cannot be requested ({error})"
