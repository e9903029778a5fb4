"""Parts of every run: a session, a report, a tick, and the records of its listing and walks."""
