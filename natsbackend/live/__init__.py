"""A real nats-server: find it, run it, and prove by connecting that it does what the spec says.

`server` runs one. `parser` reads the client protocol, `transport` carries it, and `wire` is the client that
repeats the exact verdict of the server. As the `principals` of the spec, `prove` tries with it every login
(`logins`) and every policy test (`policy`).
"""
