"""One file a story: the only place that strings the stages together, reads the clock and touches the disk."""
