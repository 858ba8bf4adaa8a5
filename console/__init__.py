"""The operators' console: what a control room sees, and the only pages from which a valve can be moved.

    browser ── pages (server-rendered, htmx) ──▶ routes ──▶ DeskPort ──▶ commands.desk
       ▲                                           │
       └── Server-Sent Events ◀── Feed ◀── snapshot of zones, actuators, alerts, gateways (one poller for everybody)

Manners of ISA-101: grey by default, colour only for what is not normal and never alone (shape, number and word go with it), stale
and doubtful values look stale and doubtful, and commands are off when the data are old.
"""
