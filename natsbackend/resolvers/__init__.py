"""Where account JWTs live once they are pushed. One file each; what they have in common is in `interface`.

A resolver stores and gives back; it decides nothing about content. What to push is `plan`'s business, asking
a person is `cli`'s.
"""
