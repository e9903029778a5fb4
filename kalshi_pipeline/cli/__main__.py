"""`python -m kalshi_pipeline.cli`: the command line."""

from kalshi_pipeline.cli.entry import main

main()
