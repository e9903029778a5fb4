"""The answers of reading commands. Each reads the store through `api`, and writes nothing."""
