"""What a simulated device holds: its registers, written from inside by ``set`` and from outside over Modbus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

from protocols.modbus.model import DeviceModel, Field, Function
from protocols.modbus.pdu import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refuse

WriteHook = Callable[[str, float], bool | None]


class RegisterBank:
    """The registers of one device of a model. Only addresses of its fields, and the gaps it allows, can be read."""

    def __init__(self, model: DeviceModel, *, on_write: WriteHook | None = None) -> None:
        self.model = model
        self.on_write = on_write
        """Called with field and canonical value before a write from outside is taken; False refuses it (exception 3)."""
        self.silent = False
        """Fault: the device does not answer."""
        self.exception: int | None = None
        """Fault: the device answers everything with this exception code."""
        self.delay_s = 0.0
        """Fault: the device answers late [s]."""
        self._cells: dict[tuple[Function, int], int] = {}
        for field in model.fields:
            self._store(field, [0] * field.type.words)
        for first, second in pairwise(sorted(model.fields, key=lambda f: (f.function, f.address))):
            if first.function is second.function and second.address - first.end <= model.max_gap:
                for address in range(first.end, second.address):
                    self._cells[first.function, address] = 0

    def set(self, field: str, value: float | None) -> None:
        """Sets a field to a canonical value, rounded and limited to what its registers can show; None shows "no value".

        Raises:
            ConfigurationError: The model has no such field.
            ValueError: The value is not a finite number, or None and the field has no sentinel.
        """
        found = self.model.field(field)
        self._store(found, found.registers(value, saturate=True))

    def get(self, field: str) -> float | None:
        """The canonical value a field shows.

        Raises:
            ConfigurationError: The model has no such field.
        """
        found = self.model.field(field)
        return found.value([self._cells[found.function, a] for a in range(found.address, found.end)])

    def read(self, function: Function, address: int, count: int) -> list[int]:
        """Registers as the protocol sees them; see ``protocols.modbus.pdu``."""
        try:
            return [self._cells[function, a] for a in range(address, address + count)]
        except KeyError:
            raise Refuse(ILLEGAL_ADDRESS) from None

    def write(self, function: Function, address: int, registers: list[int]) -> None:
        """A write from outside: all of it or nothing, into whole writable fields and within their limits."""
        checked: list[tuple[Field, list[int], float]] = []
        for field, cells in self._changes(function, address, registers):
            value, limits = field.value(cells), field.writable
            if limits is None:
                raise Refuse(ILLEGAL_ADDRESS)
            if value is None or not limits.low - field.resolution / 2 <= value <= limits.high + field.resolution / 2:
                raise Refuse(ILLEGAL_VALUE)
            checked.append((field, cells, value))
        for field, _, value in checked:
            if self.on_write is not None and self.on_write(field.name, value) is False:
                raise Refuse(ILLEGAL_VALUE)
        for field, cells, _ in checked:
            self._store(field, cells)

    def _changes(self, function: Function, address: int, registers: list[int]) -> Iterator[tuple[Field, list[int]]]:
        fields = {f.address: f for f in self.model.fields if f.function is function}
        at = 0
        while at < len(registers):
            field = fields.get(address + at)
            if field is None or at + field.type.words > len(registers):
                raise Refuse(ILLEGAL_ADDRESS)
            yield field, registers[at : at + field.type.words]
            at += field.type.words

    def _store(self, field: Field, registers: list[int]) -> None:
        for i, register in enumerate(registers):
            self._cells[field.function, field.address + i] = register
