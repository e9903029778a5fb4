"""The JSON texts of the sandbox, one shape for each generation of the API."""
