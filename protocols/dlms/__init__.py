"""DLMS/COSEM (IEC 62056, Green and Blue Book), from bytes to readings: logical names, client side first.

    bytes ─ wrapper | hdlc ─▶ APDU ─ security ─▶ get | set | action | notifications ─▶ data ─▶ profile ─▶ canonical values

``data`` ``datetimes`` ``obis`` ``selection``       what meters say, as A-XDR
``ber`` ``acse`` ``initiate``                       how an association is asked for
``get`` ``set`` ``action`` ``notifications``        the services of xDLMS
``security`` ``signature``                          suites 0 to 2, HLS-GMAC, HLS-ECDSA
``counters`` ``keyring``                            invocation counters, wrapped keys
``wrapper`` ``hdlc`` ``hdlc_link``                  framing
``association`` ``channel`` ``exchange_*`` ``session``   one association as exchanges of APDUs, without I/O
``connection`` ``client`` ``counter_file``          the shells: asyncio, and a durable counter
``objects`` ``units`` ``buffer`` ``profile``           what to read, in canonical units
``model`` ``models`` ``prepayment`` ``prepaid``       kinds of meters out of TOML; accounts, credits, tokens
``server*`` ``listener``                            the meter's side, for simulated meters

All but ``connection``, ``client``, ``profile``, ``prepaid``, ``models``, ``counter_file`` and ``listener`` is pure: bytes in, bytes
out. Not here: IEC 62056-21, general block transfer, key agreement.
Wrong bytes raise ``domain.errors.DecodeError``; values that no encoding has raise ``ValueError`` before anything is sent.
"""
