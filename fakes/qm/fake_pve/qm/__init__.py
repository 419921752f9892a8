"""One file per subcommand of `qm`, named for it: `run(call)` does it."""
