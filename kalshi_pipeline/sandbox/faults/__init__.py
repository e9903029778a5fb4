"""The sandbox's faults: which there are, when one happens, and how it corrupts an answer."""
