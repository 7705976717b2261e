"""The command line: one file per group of commands; `output` is the only door to rich.

Modules here import nothing heavy at the top: what a command needs it imports when it runs, so that `--version`,
`--help` and completion stay quick.
"""
