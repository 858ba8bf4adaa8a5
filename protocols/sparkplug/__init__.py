"""Sparkplug B 3.0 and what we add to it.

    payload   one protobuf payload ↔ ``Payload``            topics   topic strings ↔ ``Topic``
    births    births, deaths and the host's STATE           blocks   readings with their sequence numbers
    receipts  what the database has committed               commands signed setpoints and their results

Everything added is an ordinary metric, so any Sparkplug host can read along.
"""
