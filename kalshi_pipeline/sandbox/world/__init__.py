"""The sandbox's world: its clock, its rows, and how markets begin, live and end."""
