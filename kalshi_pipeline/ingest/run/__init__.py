"""What every run has: a session, a report, a tick, and the record of its listing."""
