"""The meter's side of an HDLC link, as little as the client's side can be tried against: it echoes APDUs."""

from __future__ import annotations

from collections.abc import Callable

from protocols.dlms.hdlc import Frame, FrameReader, encode_frame


class EchoStation:
    """Takes SNRM, I frames in windows and segments; answers each APDU with ``answer(apdu)``, one frame a poll."""

    def __init__(
        self, answer: Callable[[bytes], bytes], *, parameters: bytes = b"", size: int = 40, lose: frozenset[int] = frozenset()
    ) -> None:
        self._answer = answer
        self._parameters = parameters
        self._size = size
        self._lose = lose
        self._count = 0
        self._frames = FrameReader()
        self._want = self._next = 0
        self._got = bytearray()
        self._out: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Bytes from the client to bytes for it."""
        return b"".join(self._one(frame) for frame in self._frames.feed(data))

    def _one(self, frame: Frame) -> bytes:
        if frame.control == 0x93:
            self._want = self._next = 0
            return self._frame(frame, 0x73, self._parameters)
        if frame.control == 0x53:
            return self._frame(frame, 0x73)
        if frame.control & 1 == 0:
            self._count += 1
            if self._count not in self._lose and frame.control >> 1 & 7 == self._want:
                self._want = self._want + 1 & 7
                self._got += frame.information
                if not frame.segmented:
                    whole = b"\xe6\xe7\x00" + self._answer(bytes(self._got[3:]))
                    self._got.clear()
                    self._out = [whole[i : i + self._size] for i in range(0, len(whole), self._size)]
        if not frame.poll:
            return b""
        if not self._out:
            return self._frame(frame, self._want << 5 | 0x11)
        piece, control = self._out.pop(0), self._want << 5 | 0x10 | self._next << 1
        self._next = self._next + 1 & 7
        return self._frame(frame, control, piece, segmented=bool(self._out))

    def _frame(self, to: Frame, control: int, information: bytes = b"", *, segmented: bool = False) -> bytes:
        return encode_frame(
            Frame(destination=to.source, source=to.destination, control=control, information=information, segmented=segmented)
        )
