"""HTTP requests that are repeated where that can help, and fail with one clear line."""

from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from speech_emotion.core.errors import PipelineError

TIMEOUT_S = (15, 60)  # to connect, between two pieces of an answer
CONNECTIONS = 8
RETRIES = 3
# No connection, an overloaded server (408: request timeout, 429: too many requests) or a broken one may pass.
RETRY = Retry(
    RETRIES,
    backoff_factor=1,
    status_forcelist=(408, 429, *range(500, 512)),
    retry_after_max=60,
    raise_on_status=False,
)
WAY_OUT = "run again to go on where it stopped, or set SPEECH_CORPORA to a folder with a local copy"


def session() -> requests.Session:
    """Return a session for up to `CONNECTIONS` threads that repeats requests as `RETRY` says."""
    opened = requests.Session()
    for scheme in ("http://", "https://"):
        opened.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS, max_retries=RETRY))
    return opened


def read_json(url: str) -> Any:
    """Return the JSON document at `url`.

    Raises:
        PipelineError: names `url` and why it could not be read.
    """
    try:
        with session() as opened, opened.get(url, timeout=TIMEOUT_S) as response:
            response.raise_for_status()
            return response.json()
    except requests.RequestException as error:
        raise PipelineError(f"{url}: {reason(error)}; {WAY_OUT}") from error


def reason(error: requests.RequestException) -> str:
    """Return in a few words why a request failed."""
    if error.response is not None and not error.response.ok:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.JSONDecodeError):
        return "the answer is no JSON; is the API's address in params.yaml right?"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut before the end"
    if isinstance(error, requests.ConnectionError):
        return "no connection or no answer; are you offline, or is the address wrong?"
    return f"cannot be requested ({error})"
