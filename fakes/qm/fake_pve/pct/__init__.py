"""One file per subcommand of `pct`, named for it: `run(call)` does it."""
