"""Other people's devices: JSON messages over MQTT as readings. Best effort: nobody is told what was stored, nothing is sent again.

    (topic, bytes) ──▶ DECODERS[source.format] ──▶ Decoded: readings in canonical units, and faults for the rest

One file a format, all pure; a new format is one file, one line in ``table.py`` and a folder of golden cases.
"""
