"""What the user wrote: located YAML nodes, the models that give them shape, and the loader."""
