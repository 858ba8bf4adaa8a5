"""One HDLC link from the client's side: SNRM/UA with its parameters, I frames with windows and segments, DISC.

The client is the primary station of a normal response link: it polls, the meter answers, nobody speaks unasked. An APDU travels
behind the LLC header E6 E6 00 (to the meter) or E6 E7 00 (from it), cut into segments where it is longer than a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.dlms.framing import Arrival
from protocols.dlms.hdlc import Address, Frame, FrameReader, encode_frame
from protocols.dlms.reader import Reader, wrong

SNRM, UA, DISC, DM, FRMR, UI = 0x83, 0x63, 0x43, 0x0F, 0x87, 0x03
"""Unnumbered control bytes, without the poll/final bit."""
RR, RNR, REJ = 0x01, 0x05, 0x09
"""Supervisory control bytes, without N(R) and the poll/final bit."""
POLL = 0x10
LLC_SEND, LLC_RECEIVE = b"\xe6\xe6\x00", b"\xe6\xe7\x00"
MAX_STALLS = 8
"""Answers in a row that carry nothing new before the link is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkParameters:
    """Longest information field in bytes and frames in flight, each way as seen from the client (IEC 62056-46, 6.4.4.4.3.2)."""

    max_send: int = 128
    max_receive: int = 128
    window_send: int = 1
    window_receive: int = 1

    def encode(self) -> bytes:
        """The information field of an SNRM."""
        size = 2 if max(self.max_send, self.max_receive) > 0xFF else 1
        body = b"".join(
            (
                bytes((5, size)) + self.max_send.to_bytes(size, "big"),
                bytes((6, size)) + self.max_receive.to_bytes(size, "big"),
                b"\x07\x04" + self.window_send.to_bytes(4, "big"),
                b"\x08\x04" + self.window_receive.to_bytes(4, "big"),
            )
        )
        return bytes((0x81, 0x80, len(body))) + body


def negotiated(proposed: LinkParameters, information: bytes) -> LinkParameters:
    """What holds after the meter's UA: the smaller of what one sends and the other takes; defaults where it says nothing.

    Raises:
        DecodeError: The information field is no parameter list.
    """
    found = {5: 128, 6: 128, 7: 1, 8: 1}
    if information:
        reader = Reader(information)
        if (reader.u8(), reader.u8()) != (0x81, 0x80):
            raise wrong("UA with an information field that is no parameter negotiation")
        reader = Reader(reader.take(reader.u8()))
        while reader.remaining:
            parameter = reader.u8()
            found[parameter] = reader.unsigned(reader.u8())
    values = (found[5], found[6], found[7], found[8])
    if min(values) < 1:
        raise wrong(f"UA that grants {values} for lengths and windows")
    # What the meter transmits (5, 7) is what we receive.
    return LinkParameters(
        max_send=min(proposed.max_send, found[6]),
        max_receive=min(proposed.max_receive, found[5]),
        window_send=min(proposed.window_send, found[8], 7),
        window_receive=min(proposed.window_receive, found[7], 7),
    )


class HdlcLink:
    """A ``Framing`` over HDLC. One APDU goes out at a time; its answer must be complete before the next."""

    def __init__(self, *, client: Address, server: Address, proposed: LinkParameters | None = None, max_apdu: int = 0xFFFF) -> None:
        """``proposed`` are the link parameters asked for; ``max_apdu`` the longest APDU taken, bytes."""
        self._us = client.encode()
        self._peer = server.encode()
        self._proposed = proposed or LinkParameters()
        self._max_apdu = max_apdu
        self._frames = FrameReader()
        self._reset()

    def _reset(self) -> None:
        self.parameters = LinkParameters()
        self._opened = False
        self._send_next = 0
        """N(S) of the next new frame."""
        self._receive_next = 0
        self._waiting: list[tuple[bytes, bool]] = []
        """Segments not acknowledged yet, oldest first; the first ``_in_flight`` of them are on the line."""
        self._in_flight = 0
        self._information = bytearray()
        self._stalls = 0
        self._asked = False
        """Whether an answer is awaited; without a question, nothing that arrives is answered."""

    @property
    def opened(self) -> bool:
        """Whether the meter has answered SNRM with UA."""
        return self._opened

    @property
    def damaged(self) -> int:
        """Damaged frames seen so far."""
        return self._frames.damaged

    def open(self) -> bytes:
        """SNRM."""
        self._reset()
        return self._frame(SNRM | POLL, self._proposed.encode())

    def close(self) -> bytes:
        """DISC."""
        self._opened = False
        return self._frame(DISC | POLL)

    def send(self, apdu: bytes) -> bytes:
        """The first window of segments.

        Raises:
            ValueError: The link is not open, or still sends something else.
        """
        if not self._opened or self._waiting:
            raise ValueError("the link is not open" if not self._opened else "the link is still sending the APDU before")
        whole, size = LLC_SEND + apdu, self.parameters.max_send
        pieces = [whole[i : i + size] for i in range(0, len(whole), size)]
        self._waiting = [(piece, i < len(pieces) - 1) for i, piece in enumerate(pieces)]
        self._in_flight = 0
        self._asked = True
        self._stalls = 0
        return self._window()

    def receive(self, data: bytes) -> Arrival:
        """Takes bytes from the line.

        Raises:
            DecodeError: The meter breaks the procedure, disconnects, or sends an APDU that is too long.
        """
        apdus: list[bytes] = []
        reply = bytearray()
        closed = False
        for frame in self._frames.feed(data):
            if frame.destination != self._us or frame.source != self._peer:
                continue
            kind = frame.control & ~POLL
            if frame.control & 1 == 0:
                reply += self._take_information(frame, apdus)
            elif frame.control & 3 == 1:
                reply += self._take_supervisory(frame)
            elif kind == UI:
                apdus.append(self._unwrapped(frame.information))
            elif kind == UA:
                self._take_acknowledgement(frame)
            elif kind == DM:
                closed = True
            else:
                raise wrong(f"HDLC control byte 0x{frame.control:02X}: the meter rejects a frame or breaks the procedure")
        return Arrival(apdus=tuple(apdus), reply=bytes(reply), closed=closed)

    def _take_acknowledgement(self, frame: Frame) -> None:
        if not self._opened and not self._waiting:
            self.parameters = negotiated(self._proposed, frame.information)
            self._opened = True

    def _take_information(self, frame: Frame, apdus: list[bytes]) -> bytes:
        if not self._opened:
            raise wrong("an HDLC information frame before the link is open")
        self._acknowledge(frame.control >> 5)
        if frame.control >> 1 & 7 != self._receive_next:  # again, or after a hole: say once more what is wanted
            return self._stalled() if frame.poll else b""
        self._stalls = 0
        self._receive_next = self._receive_next + 1 & 7
        self._information += frame.information
        if len(self._information) > self._max_apdu + len(LLC_RECEIVE):
            raise wrong(f"an APDU longer than {self._max_apdu} bytes in segments")
        if frame.segmented:
            return self._ready() if frame.poll else b""
        apdus.append(self._unwrapped(bytes(self._information)))
        self._information.clear()
        self._asked = False
        return b""

    def _take_supervisory(self, frame: Frame) -> bytes:
        before = len(self._waiting)
        self._acknowledge(frame.control >> 5)
        if not self._waiting:
            # All is acknowledged and no answer came along: poll until it does.
            return self._stalled() if frame.poll and before == 0 else (self._ready() if frame.poll else b"")
        if frame.control & 0x0F == RNR:
            return self._stalled() if frame.poll else b""
        if len(self._waiting) == before:
            self._stalls += 1
            if self._stalls > MAX_STALLS:
                raise wrong("the HDLC link makes no progress")
        return self._window()

    def _acknowledge(self, wanted: int) -> None:
        """Forgets the segments that the meter's N(R) says it has."""
        oldest = self._send_next - self._in_flight
        taken = wanted - oldest & 7
        if taken > self._in_flight:
            raise wrong(f"HDLC N(R) {wanted} acknowledges frames that were not sent")
        del self._waiting[:taken]
        self._in_flight -= taken

    def _window(self) -> bytes:
        """Sends as many segments as the window takes, from the oldest unacknowledged one; the last asks for an answer."""
        oldest = self._send_next - self._in_flight & 7
        burst = self._waiting[: self.parameters.window_send]
        out = bytearray()
        for i, (piece, more) in enumerate(burst):
            final = POLL if i == len(burst) - 1 else 0
            control = self._receive_next << 5 | final | (oldest + i & 7) << 1
            out += self._frame(control, piece, segmented=more)
        self._in_flight = len(burst)
        self._send_next = oldest + len(burst) & 7
        return bytes(out)

    def _ready(self) -> bytes:
        if not self._asked:
            return b""
        return self._frame(self._receive_next << 5 | POLL | RR)

    def _stalled(self) -> bytes:
        self._stalls += 1
        if self._stalls > MAX_STALLS:
            raise wrong("the HDLC link makes no progress")
        return self._ready()

    def _unwrapped(self, information: bytes) -> bytes:
        if not information.startswith(LLC_RECEIVE):
            raise wrong(f"HDLC information begins {information[:3].hex()}, the LLC header e6e700 was expected")
        return information[3:]

    def _frame(self, control: int, information: bytes = b"", *, segmented: bool = False) -> bytes:
        frame = Frame(destination=self._peer, source=self._us, control=control, information=information, segmented=segmented)
        return encode_frame(frame)
