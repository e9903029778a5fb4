"""Jobs that the launcher's tests run in processes of their own. It imports Dagster alone: each template imports it."""

import os
import threading

import dagster as dg


@dg.op
def report_parent(context: dg.OpExecutionContext) -> None:
    context.add_output_metadata({"parent": os.getppid()})


@dg.job
def short() -> None:
    report_parent()


@dg.op
def wait() -> None:
    threading.Event().wait(60)


@dg.job
def endless() -> None:
    wait()


jobs = dg.Definitions(jobs=[short, endless], executor=dg.in_process_executor)
