"""What a push would change, in the words of the spec: values, how they are found, and how they are written down."""
