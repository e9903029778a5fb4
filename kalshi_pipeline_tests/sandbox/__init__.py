"""The sandbox exchange, asked over HTTP as any client asks it."""
