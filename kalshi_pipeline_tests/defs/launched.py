"""Jobs that the launcher's tests run in processes of their own. It imports Dagster alone: each template imports it."""

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
    """Take the name by which a test sees that it writes nothing more to Dagster's storage."""
    Path("/proc/self/comm").write_text("waiting")
    threading.Event().wait(60)


@dg.job
def endless() -> None:
    wait()


jobs = dg.Definitions(jobs=[short, endless], executor=dg.in_process_executor)
