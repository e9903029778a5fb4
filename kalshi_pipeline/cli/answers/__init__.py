"""What the commands that read answer: each reads the store through `api`, and writes nothing."""
