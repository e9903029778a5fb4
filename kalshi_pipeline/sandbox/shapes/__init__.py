"""The sandbox's answers as JSON, in each generation of the API."""
