"""The exchange package: payloads of every generation, and the client against real HTTP."""
