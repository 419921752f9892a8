"""From a command line to a checked Call: commands and abbreviations, options, validation, usage texts."""
