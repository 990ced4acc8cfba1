"""A TCP proxy that counts what passes, and can cut every connection."""

import socket
import threading
from contextlib import suppress

REQUEST = b" HTTP/1.1\r\n"


class Proxy:
    """Passes connections on `port` to `target_port`, both on loopback.

    After `cut_after` bytes from clients, all connections break and new ones are refused, until `restore`.
    """

    def __init__(self, target_port: int, cut_after: float = float("inf")) -> None:
        self.target_port, self.left = target_port, cut_after
        self.sent = self.requests = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._break()

    @property
    def is_cut(self) -> bool:
        return self.left <= 0

    def restore(self) -> None:
        self.left = float("inf")

    def _accept(self) -> None:
        with suppress(OSError):  # of the listener, when it is closed
            while True:
                client, _ = self._listener.accept()
                if self.is_cut:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.target_port))
                self._open |= {client, server}
                for side in (client, server):  # or small packets wait for each other, 40 ms a time
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=(source, sink, source is client), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        end = b""
        with suppress(OSError):  # of either side, when the other is gone
            while chunk := source.recv(1 << 16):
                if from_client and self._count(end, chunk):
                    self._break()
                    return
                end = chunk[-len(REQUEST) + 1 :]
                sink.sendall(chunk)
        for side in (source, sink):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _count(self, end: bytes, chunk: bytes) -> bool:
        with self._lock:
            self.sent += len(chunk)
            self.requests += (end + chunk).count(REQUEST)
            self.left -= len(chunk)
            return self.is_cut

    def _break(self) -> None:
        for side in list(self._open):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
        self._open.clear()
