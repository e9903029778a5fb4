"""The process that runs are forked from: it has imported everything, opens nothing and runs nothing itself.

`launcher` starts it and writes requests to its input, one per line; the answer is the number of the process that
does the run. It ends when its input ends, even if the launcher was killed.
"""

import contextlib
import gc
import os
import signal
import sys

from dagster import DagsterInstance
from dagster._cli.api import execute_run_command
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import deserialize_value


def main() -> None:
    """Fork a process for each request. The forked process returns from here too, when its run is done."""
    signal.signal(signal.SIGCHLD, _reap)
    is_warm = False
    while request := sys.stdin.readline():
        if not is_warm:
            _import_what_it_needs(request)
            gc.freeze()  # keeps the memory of what was imported shared: no run collects garbage in it
            is_warm = True
        if pid := os.fork():
            print(pid, flush=True)  # noqa: T201  (the answer)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        execute_run_command.main([request], standalone_mode=False)
        return


def _import_what_it_needs(request: str) -> None:
    """Import the definitions and the storage that a request names; leave nothing open that a fork would share."""
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
