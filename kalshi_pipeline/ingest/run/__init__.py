"""What every run has: a session, a report, a tick, and the records of its listing and its walks."""
