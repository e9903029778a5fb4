"""Jobs that the launcher's tests run in separate processes. It imports only Dagster, because each template imports
it.
"""

import os
import threading
from pathlib import Path

import dagster as dg


@dg.op
def report_parent(context: dg.OpExecutionContext) -> None:
    context.add_output_metadata({"parent": os.getppid()})


@dg.job
def short() -> None:
    report_parent()


@dg.op
def wait() -> None:
    """Take the name that tells a test that the run writes nothing more to Dagster's storage."""
    Path("/proc/self/comm").write_text("waiting")
    threading.Event().wait(60)


@dg.job
def endless() -> None:
    wait()


jobs = dg.Definitions(jobs=[short, endless], executor=dg.in_process_executor)
