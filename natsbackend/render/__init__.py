"""Texts for other programs, rendered from a `Backend`: the config of nats-server.

`conf` knows the config language and owns every quote in it; `server_conf` knows which options a `Backend`
means. Nothing here opens a file or looks at a clock: the same values give the same bytes.
"""
