"""A visit: sound comes in over a WebSocket, from a microphone or a file, and answers go back.

A visitor's first message is JSON, `{"kind": "microphone", "sample_rate": 48000}` or `{"kind": "file", "name": ...}`;
then comes the sound as bytes, 16-bit samples or the file's content, then the text `end`. What goes back is JSON of the
kinds `live`, `progress`, `answer` and `error`. Sound is kept in a temporary file without a name, until the visit ends.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from functools import partial
from io import FileIO
from typing import Any

import anyio
import numpy as np
import soundfile
from numpy.typing import NDArray
from starlette.websockets import WebSocket, WebSocketDisconnect

from speech_emotion.app.answers import answer
from speech_emotion.app.limits import Limits, Places
from speech_emotion.audio import RATES_HZ
from speech_emotion.core.command import unforeseen
from speech_emotion.core.errors import PipelineError
from speech_emotion.predict import formats
from speech_emotion.predict.predictor import Predictor

WINDOW_S = 3.0  # that a live answer is about
REST_S = 0.1  # between two live answers


async def listen(socket: WebSocket, predictor: Predictor, limits: Limits, places: Places) -> None:
    """Serve one visit. Whatever goes wrong is one line that the visitor sees."""
    await socket.accept()
    try:
        with places.taken(), tempfile.TemporaryFile(buffering=0) as file:
            await _visit(_Visitor(socket, limits.pause_s), predictor, limits, file)
    except WebSocketDisconnect:
        return
    except PipelineError as error:
        await _refuse(socket, str(error))
    except Exception as error:
        print(f"error: {unforeseen(error)}", file=sys.stderr)
        await _refuse(socket, f"{type(error).__name__} was not foreseen; whoever runs this page finds more in its log")


async def _refuse(socket: WebSocket, text: str) -> None:
    try:
        await socket.send_json({"kind": "error", "text": text})
        await socket.close()
    except (WebSocketDisconnect, RuntimeError):  # nobody is there any more
        return


class _Visitor:
    def __init__(self, socket: WebSocket, pause_s: float) -> None:
        self._socket, self._pause_s = socket, pause_s

    async def request(self) -> dict[str, Any]:
        try:
            request = json.loads((await self._message()).get("text") or "")
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise PipelineError("the first message is no JSON object; load the page again")
        return request

    async def sound(self) -> AsyncIterator[bytes]:
        """Yield bytes until the visitor says `end`."""
        while (content := (await self._message()).get("bytes")) is not None:
            yield content

    async def tell(self, kind: str, **content: Any) -> None:
        await self._socket.send_json({"kind": kind, **content})

    async def _message(self) -> dict[str, Any]:
        try:
            with anyio.fail_after(self._pause_s):
                message = dict(await self._socket.receive())
        except TimeoutError as error:
            raise PipelineError(f"nothing came for {self._pause_s:g} s; start again") from error
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        return message


async def _visit(visitor: _Visitor, predictor: Predictor, limits: Limits, file: FileIO) -> None:
    request = await visitor.request()
    if request.get("kind") == "microphone":
        name, longest_s = "microphone", limits.microphone_s + 1
        await _record(visitor, predictor, limits, file, request.get("sample_rate"))
    else:
        name, longest_s = str(request.get("name") or "file"), limits.file_s
        await _receive(visitor, limits, file, name)
    file.seek(0)

    def reached(share: float) -> None:
        anyio.from_thread.run(partial(visitor.tell, "progress", share=round(share, 3)))

    answered = await anyio.to_thread.run_sync(answer, predictor, file, name, longest_s, reached)
    await visitor.tell("answer", name=formats.printable(name), **answered)


async def _receive(visitor: _Visitor, limits: Limits, file: FileIO, name: str) -> None:
    taken = 0
    async for content in visitor.sound():
        taken += len(content)
        if taken > limits.file_bytes:
            shown = formats.shortened(formats.printable(name))
            raise PipelineError(f"{shown}: has more than {limits.file_bytes / 1e6:g} MB; cut it, or take MP3 or Ogg")
        file.write(content)


async def _record(visitor: _Visitor, predictor: Predictor, limits: Limits, file: FileIO, rate: object) -> None:
    """Write what the microphone hears to `file`, as WAV, and tell the emotion meanwhile."""
    if not isinstance(rate, int) or not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise PipelineError(f"microphone: announces {rate} Hz; choose another one")
    newest = _Newest(rate)
    with soundfile.SoundFile(file, "w", rate, 1, "PCM_16", format="WAV") as wav:
        live = asyncio.create_task(_tell_live(visitor, predictor, newest))
        try:
            async for content in visitor.sound():
                samples = np.frombuffer(content[: len(content) // 2 * 2], "<i2")
                wav.write(samples)
                newest.take(samples)
                if wav.frames > limits.microphone_s * rate:
                    break
        finally:
            live.cancel()
            await asyncio.wait([live])
    if not live.cancelled():
        live.result()  # raises what went wrong


class _Newest:
    """The last seconds that a microphone heard."""

    def __init__(self, rate: int) -> None:
        self.rate, self.fresh = rate, False
        self._samples = np.zeros(0, np.int16)

    def take(self, samples: NDArray[np.int16]) -> None:
        self._samples = np.concatenate([self._samples, samples])[-round(WINDOW_S * self.rate) :]
        self.fresh = True

    def waveform(self) -> NDArray[np.float32]:
        self.fresh = False
        return (self._samples / 2**15).astype(np.float32)


async def _tell_live(visitor: _Visitor, predictor: Predictor, newest: _Newest) -> None:
    # Always about the newest sound: a slow computer answers less often, and not later and later.
    while True:
        await anyio.sleep(REST_S)
        if newest.fresh:
            prediction = await anyio.to_thread.run_sync(predictor, newest.waveform(), newest.rate)
            await visitor.tell("live", **formats.record(prediction))
