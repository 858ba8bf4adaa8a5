"""The only door from a wish to an actuator.

    propose ─▶ preview ─▶ select (reserved, 30 s) ─▶ execute ─▶ audit row ─▶ signed command ─▶ outcome
    law ─────────────────────────────────── order ──▶┘

``authorisation``, ``interlocks``, ``arbitration``, ``history`` and ``selection`` decide and are pure; ``desk`` asks them in order,
``road`` is the one way a command leaves, ``answers`` keeps what comes back, ``upkeep`` does what time demands, ``view`` says what
is known of an actuator, and ``dispatch`` carries signed commands to the gateways and brings the outcomes back.
"""
