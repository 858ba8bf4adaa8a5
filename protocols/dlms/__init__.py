"""DLMS/COSEM (IEC 62056, Green and Blue Book), from bytes to readings: logical names, client side first.

    bytes ─ wrapper | hdlc ─▶ APDU ─ security ─▶ get | set | action | notifications ─▶ data ─▶ profile ─▶ canonical values

``data`` ``datetimes`` ``obis`` ``selection``     what meters say, as A-XDR
``ber`` ``acse`` ``initiate``                     how an association is asked for
``get`` ``set`` ``action`` ``notifications``      the services of xDLMS
``security`` ``counters``                         suite 0 and 1, HLS-GMAC, invocation counters
``wrapper`` ``hdlc`` ``hdlc_link``                framing
``session``                                       one association as exchanges of APDUs, without I/O
``client`` ``counter_file``                       the shells: asyncio, and a durable counter
``profile`` ``units`` ``water``                   what to read, in canonical units

Everything but ``client`` and ``counter_file`` is pure: bytes and numbers in, bytes and numbers out.
Wrong bytes raise ``domain.errors.DecodeError``; values that no encoding has raise ``ValueError`` before anything is sent.
"""
