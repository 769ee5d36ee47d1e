"""Runs the server until it is told to stop, and ends it so that no answer is lost."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from evalkit.server.app import create_app
from evalkit.server.connection import Connection, raise_limit
from evalkit.server.service import Service
from evalkit.server.spec import ServeSpec
from evalkit.types import UsageError

_SLACK_S = 5.0
_KEEP_ALIVE_S = 75
_BACKLOG = 2048


def serve(spec: ServeSpec, started: Callable[[Service, str], None]) -> None:
    """Blocks until SIGTERM or Ctrl-C. `started` is told the service and its address.

    Requests under way have `drain_s` to finish; what has not by then is answered by 503. Nobody new
    is let in meanwhile.
    """
    Connection.max_connections = raise_limit()
    logging.getLogger("evalkit.server").setLevel(logging.WARNING)
    with _listening(spec) as listener, Service(spec) as service:
        host, port = listener.getsockname()[:2]
        started(service, f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        server = _Server(service)
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(server.serve([listener]))


class _Server(uvicorn.Server):
    """Stops in two steps: first nobody new is let in, then nobody is waited for any more."""

    def __init__(self, service: Service) -> None:
        self._service = service
        super().__init__(
            uvicorn.Config(
                create_app(service),
                log_level="warning",
                access_log=False,
                http=Connection,
                ws="none",
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=int(service.spec.drain_s + _SLACK_S),
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's own would end the process by the signal, before pools are closed."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self._drain, loop)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        """The second signal stops at once."""
        wait_s = 0.0 if self.should_exit else self._service.spec.drain_s
        self.should_exit = True
        self._service.is_stopping = True
        loop.call_later(wait_s, self._service.stop)


@contextmanager
def _listening(spec: ServeSpec) -> Iterator[socket.socket]:
    """Raises UsageError for an address that cannot be had."""
    family = socket.AF_INET6 if ":" in spec.host else socket.AF_INET
    # The protocol is named because event loops switch Nagle's algorithm off only where it is.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((spec.host, spec.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {spec.host} port {spec.port}: {error.strerror or error}; "
            "choose another by --port (0: any that is free)"
        ) from error
    with listener:
        yield listener
