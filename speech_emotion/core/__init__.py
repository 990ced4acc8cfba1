"""What everything may use: errors, parameters, files, commands, progress."""
