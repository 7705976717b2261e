"""What the spec means: entities, the way from the spec to them, and the rules they must keep."""
