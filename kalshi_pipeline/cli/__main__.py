"""`python -m kalshi_pipeline.cli`: the command line."""

from kalshi_pipeline.cli.app import main

main()
