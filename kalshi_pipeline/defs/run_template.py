"""The process that runs are forked from.

It has imported everything, but opens and runs nothing itself. `launcher` starts it with one end of a socket, and sends
a separate socket for each run. That socket carries the request, the answer and the confirmation. Without a confirmation
the forked process ends, so a run that the launcher has given up on never begins. Output of imported code goes to the
log. The process ends when the launcher does.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator

from dagster import DagsterInstance
from dagster._cli.api import execute_run_command
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import deserialize_value

from kalshi_pipeline.defs.template import GO


def main() -> None:
    """Fork a process for each request. The forked process also returns from here, when its run is done."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    signal.signal(signal.SIGCHLD, _reap)
    is_warm = False
    for launcher in _sockets_of(channel):
        with launcher, launcher.makefile("rb") as lines:
            request = lines.readline().decode()
            try:
                if not is_warm:
                    _import_what_it_needs(request)
                    gc.freeze()  # forks share this memory as long as no garbage collection copies it
                    is_warm = True
                if os.fork():
                    continue
            except BaseException as error:
                _answer(launcher, error=f"{type(error).__name__}: {error}")
                if is_warm:  # out of memory or process ids
                    continue
                raise  # a partial import is unusable
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(launcher, pid=os.getpid())
            is_wanted = lines.readline() == GO
        if is_wanted:
            execute_run_command.main([request], standalone_mode=False)
        return


def _sockets_of(channel: socket.socket) -> Iterator[socket.socket]:
    """Yield the socket of each request until the launcher closes the channel or ends."""
    while (received := socket.recv_fds(channel, 1, 1))[0]:
        yield socket.socket(fileno=received[1][0])


def _answer(launcher: socket.socket, **answer: int | str) -> None:
    with contextlib.suppress(OSError):  # the launcher has given up
        launcher.sendall(json.dumps(answer).encode() + b"\n")


def _import_what_it_needs(request: str) -> None:
    """Import the definitions and the storage that a request names, and close everything that a fork would share."""
    args = deserialize_value(request, ExecuteRunArgs)
    args.job_origin.repository_origin.code_pointer.load_target()
    if args.instance_ref:
        DagsterInstance.from_ref(args.instance_ref).dispose()


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main()
