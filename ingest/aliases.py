"""What aliases mean. Within one spool epoch an alias never changes its meaning, so bindings are kept for ever.

Gateways of other makes have no epoch: theirs are kept in memory under ``FOREIGN_EPOCH`` until their next birth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.delivery import AliasBinding, Stream

FOREIGN_EPOCH = 0


class AliasBook:
    """Alias bindings of every birth seen so far."""

    def __init__(self, bindings: Iterable[AliasBinding] = ()) -> None:
        self._streams: dict[Stream, dict[int, AliasBinding]] = {}
        self._withdrawn: set[tuple[Stream, int]] = set()
        self.changes = 0
        """Grows whenever an alias gains or loses its meaning."""
        for binding in bindings:
            self._streams.setdefault(binding.stream, {})[binding.alias] = binding

    def find(self, stream: Stream) -> dict[int, AliasBinding]:
        """The bindings of a stream, by alias; not to be changed by the caller."""
        return self._streams.get(stream, {})

    def withdrawn(self, stream: Stream, alias: int) -> bool:
        """True if two births of one epoch contradict each other about this alias."""
        return (stream, alias) in self._withdrawn

    def withdrawn_of(self, stream: Stream) -> frozenset[int]:
        """Every alias of a stream that is withdrawn."""
        return frozenset(alias for of, alias in self._withdrawn if of == stream)

    def learn(self, bindings: Sequence[AliasBinding]) -> tuple[tuple[AliasBinding, ...], tuple[AliasBinding, ...]]:
        """Takes in a birth; returns what is new and must be saved, and what contradicts an earlier birth of the same epoch."""
        fresh: list[AliasBinding] = []
        contradicting: list[AliasBinding] = []
        for binding in bindings:
            known = self._streams.setdefault(binding.stream, {})
            before = known.get(binding.alias)
            if before == binding:
                continue
            if before is None:
                known[binding.alias] = binding
                fresh.append(binding)
            else:
                self._withdrawn.add((binding.stream, binding.alias))
                contradicting.append(binding)
        self.changes += bool(fresh or contradicting)
        return tuple(fresh), tuple(contradicting)

    def learn_foreign(self, edge: str, bindings: Sequence[AliasBinding]) -> None:
        """Takes in a birth of a gateway without spool epochs: the newest birth is right."""
        known = self._streams.setdefault(Stream(edge=edge, epoch=FOREIGN_EPOCH), {})
        known.update((binding.alias, binding) for binding in bindings)
        self.changes += 1

    def forget_foreign(self, edge: str) -> None:
        """A node birth starts a gateway's aliases anew."""
        if self._streams.pop(Stream(edge=edge, epoch=FOREIGN_EPOCH), None) is not None:
            self.changes += 1
