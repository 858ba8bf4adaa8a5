"""What one message amounts to. Reads no clock, waits for nothing and never raises: a message cannot end the ingestor.

(topic, bytes, now) ──▶ Intake = rows | dead letters | births to save | gateway up or down | rebirth to ask | ignored, and why
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from domain.delivery import NULL_COUNT, AliasBinding, BlockRows, DeadLetter, Stream
from domain.errors import DecodeError
from ingest.aliases import FOREIGN_EPOCH, AliasBook
from ingest.channels import ChannelTable, Fault
from ingest.decode import Origin, Target, decode, gap_block, refused_block
from ingest.foreign import Matched, decode_foreign, match
from ingest.layout import recognise
from ingest.quality import ClockLimits
from ingest.reasons import Reason, letter
from ingest.rebirth import Rebirths
from ingest.settings import IngestSettings
from ingest.swift import Meanings, Swift, decode_swiftly, meanings_of
from ingest.wire import BadBlock, Readings, parse
from protocols.sparkplug import births
from protocols.sparkplug.gaps import GAP_MARK, decode_gap
from protocols.sparkplug.payload import Payload
from protocols.sparkplug.payload import decode as decode_payload
from protocols.sparkplug.topics import MessageType, Topic, parse_topic

_DAY_MS = 86_400_000
_TOPICS_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayChange:
    """A gateway came or went."""

    edge: str
    online: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Intake:
    """What one message amounts to; ``ignored`` says why where it leaves nothing to be written."""

    block: BlockRows | None = None
    letters: tuple[DeadLetter, ...] = ()
    """Letters that belong to no block."""
    bindings: tuple[AliasBinding, ...] = ()
    """New meanings of aliases, to be saved before the blocks that follow."""
    gateway: GatewayChange | None = None
    rebirth: str | None = None
    """Gateway to be asked for its births."""
    skewed: int = 0
    """Readings whose clock was far ahead."""
    worst_skew_ms: int = 0
    not_finite: int = 0
    """Readings stored without their value, because it was NaN or infinite."""
    ignored: str = ""


class Reception:
    """Turns messages into what is to be done. Its memory: meanings of aliases, channels, who is up, whom it asked."""

    def __init__(self, settings: IngestSettings, *, book: AliasBook, channels: ChannelTable, patient: bool = True) -> None:
        """``patient``: data with an unknown alias waits for a birth that explains it; a replay has none to wait for."""
        limits = settings.limits
        self._patient = patient
        self.channels = channels
        self._max_bytes = limits.payload_bytes
        self._max_readings = limits.block_readings
        self._clock = ClockLimits(ahead_ms=int(limits.clock_ahead_s * 1000), retention_ms=int(limits.retention_days * _DAY_MS))
        self._foreign = settings.foreign
        self._book = book
        self._rebirths = Rebirths(every_s=settings.rebirth_every_s)
        self._bd_seq: dict[str, int] = {}
        self._up: dict[str, bool] = {}
        self._meanings: dict[Stream, Meanings | None] = {}
        self._meanings_of: tuple[ChannelTable, int] | None = None
        """What ``_meanings`` was made from: it is forgotten when channels or aliases change."""
        self._topics: dict[str, Topic | None] = {}
        """Topics of data seen lately; None for one that takes the careful way."""

    def handle_all(self, messages: Sequence[tuple[str, bytes]], *, now_ms: int, monotonic_s: float) -> list[Intake]:
        """What each of some messages amounts to: the same as ``handle`` one after the other, at a fraction of its cost.

        Args:
            messages: Topics and payloads as the broker gave them.
            now_ms: See ``handle``.
            monotonic_s: See ``handle``.
        """
        intakes: list[Intake] = []
        run: list[Swift] = []
        for place, (topic, payload) in enumerate(messages):
            swift = self._swift(topic, payload)
            if swift is not None:
                run.append(swift)
                continue
            # The careful way may learn something, so that what came before it goes first.
            intakes += self._run(run, messages[place - len(run) : place], now_ms, monotonic_s)
            run = []
            intakes.append(self.handle(topic, payload, now_ms=now_ms, monotonic_s=monotonic_s))
        return intakes + self._run(run, messages[len(messages) - len(run) :], now_ms, monotonic_s)

    def _run(self, run: Sequence[Swift], messages: Sequence[tuple[str, bytes]], now_ms: int, monotonic_s: float) -> list[Intake]:
        """The intakes of recognised blocks; those that turn out to need it go the careful way."""
        if not run:
            return []
        intakes: list[Intake] = []
        blocks = decode_swiftly(run, now_ms=now_ms, limits=self._clock)
        any_absent = any_in([rows.counts for rows in blocks if rows is not None], NULL_COUNT)
        for (topic, payload), swift, rows in zip(messages, run, blocks, strict=True):
            if rows is None:
                intakes.append(self.handle(topic, payload, now_ms=now_ms, monotonic_s=monotonic_s))
                continue
            parsed = self._topics[topic]
            self._rebirths.explained(swift.stream, (parsed.device if parsed else None) or "")
            # The layout of the swift way knows no absent value: none in its rows is one that was not finite.
            not_finite = int(np.count_nonzero(rows.counts == NULL_COUNT)) if any_absent else 0
            intakes.append(Intake(block=rows, not_finite=not_finite))
        return intakes

    def _swift(self, topic: str, payload: bytes) -> Swift | None:
        """The message as the swift way takes it, or None."""
        parsed = self._topic_of_data(topic)
        if parsed is None or not self._up.get(parsed.edge) or len(payload) > self._max_bytes:
            return None
        block = recognise(payload, max_readings=self._max_readings)
        if block is None:
            return None
        stream = Stream(edge=parsed.edge, epoch=block.epoch)
        meanings = self._meanings_now(stream)
        device = None if meanings is None else meanings.devices.get(parsed.device or "")
        return None if meanings is None or device is None else Swift(stream, device, block, meanings)

    def _meanings_now(self, stream: Stream) -> Meanings | None:
        made_from = (self.channels, self._book.changes)
        if self._meanings_of != made_from:
            self._meanings_of = made_from
            self._meanings.clear()
        if stream not in self._meanings:
            bindings = self._book.find(stream)
            self._meanings[stream] = meanings_of(stream, bindings, self._book.withdrawn_of(stream), self.channels)
        return self._meanings[stream]

    def _topic_of_data(self, topic: str) -> Topic | None:
        if topic in self._topics:
            return self._topics[topic]
        try:
            found = parse_topic(topic)
        except DecodeError:
            return None
        ours = found.message_type in {MessageType.NDATA, MessageType.DDATA} and match(self._foreign, topic) is None
        if len(self._topics) >= _TOPICS_KEPT:
            self._topics.clear()
        self._topics[topic] = found if ours else None
        return self._topics[topic]

    def handle(self, topic: str, payload: bytes, *, now_ms: int, monotonic_s: float) -> Intake:
        """What a message amounts to.

        Args:
            topic: As the broker gave it.
            payload: As the broker gave it.
            now_ms: Process time of receipt [ms since 1970 UTC].
            monotonic_s: Any clock that never goes back; paces rebirth requests.
        """
        intake = self._guarded(topic, payload, now_ms, monotonic_s)
        if intake.letters or (intake.block is not None and intake.block.dead):
            return _received(intake, now_ms)
        return intake

    def _guarded(self, topic: str, payload: bytes, now_ms: int, monotonic_s: float) -> Intake:
        edge = ""
        try:
            matched = match(self._foreign, topic)
            if matched is not None:
                edge = matched.source.edge
                return self._foreign_data(matched, topic, payload, now_ms)
            parsed = parse_topic(topic)
            edge = parsed.edge
            return self._handle(parsed, topic, payload, now_ms, monotonic_s)
        except BadBlock as error:
            return self._bad_block(error, edge, topic, payload)
        except DecodeError as error:
            return Intake(letters=(letter(error.reason, error.detail, edge=edge, topic=topic, payload=payload),))
        except Exception as error:  # noqa: BLE001  (supervisor: a fault of ours must cost one message, not the worker)
            detail = f"{type(error).__name__}: {error}"
            return Intake(letters=(letter(Reason.INTERNAL_ERROR, detail, edge=edge, topic=topic, payload=payload),))

    def _handle(self, topic: Topic, text: str, payload: bytes, now_ms: int, monotonic_s: float) -> Intake:
        match topic.message_type:
            case MessageType.NDATA | MessageType.DDATA:
                origin = Origin(edge=topic.edge, device=topic.device or "", topic=text, payload=payload, received_ms=now_ms)
                return self._data(origin, monotonic_s)
            case MessageType.NBIRTH | MessageType.DBIRTH:
                return self._birth(topic, self._small(payload), now_ms)
            case MessageType.NDEATH:
                return self._death(topic, self._small(payload), now_ms)
            case MessageType.DDEATH:
                return Intake(ignored="device_death")
            case MessageType.NCMD | MessageType.DCMD:
                return Intake(ignored="command")

    def _foreign_data(self, matched: Matched, topic: str, payload: bytes, now_ms: int) -> Intake:
        self._check_size(payload)
        decoded = decode_foreign(
            matched,
            topic,
            payload,
            channels=self.channels,
            now_ms=now_ms,
            limits=self._clock,
            max_readings=self._max_readings,
        )
        if decoded is None:
            return Intake(ignored="no_readings")
        return Intake(
            block=decoded.rows,
            gateway=self._seen(matched.source.edge, now_ms) if decoded.rows.point_id.size else None,
            skewed=decoded.skewed,
            worst_skew_ms=decoded.worst_skew_ms,
            not_finite=decoded.not_finite,
        )

    def _check_size(self, payload: bytes) -> None:
        if len(payload) > self._max_bytes:
            raise DecodeError(Reason.OVERSIZE, f"payload of {len(payload)} bytes; the limit is {self._max_bytes}")

    def _small(self, payload: bytes) -> Payload:
        self._check_size(payload)
        return decode_payload(payload)

    # --- data -----------------------------------------------------------------------------------------------------

    def _data(self, origin: Origin, monotonic_s: float) -> Intake:
        if GAP_MARK in origin.payload:
            told = decode_gap(self._small(origin.payload), origin.edge)
            if told is not None:
                seen = self._seen(origin.edge, origin.received_ms)
                return Intake(block=gap_block(*told), gateway=seen, rebirth=self._reborn(origin.edge, monotonic_s))
        readings = parse(origin.payload, origin.edge, max_bytes=self._max_bytes, max_readings=self._max_readings)
        if readings is None:
            return Intake(ignored="no_readings")
        stream = readings.stream or Stream(edge=origin.edge, epoch=FOREIGN_EPOCH)
        targets = self._targets(readings, stream, origin)
        if any(isinstance(t, Fault) and t.reason is Reason.UNKNOWN_ALIAS for t in targets):
            if self._patient and not self._rebirths.wait_for(stream, origin.device):
                return Intake(rebirth=self._ask(origin.edge, monotonic_s), ignored="unknown_alias")
        else:
            self._rebirths.explained(stream, origin.device)
        decoded = decode(readings, targets, origin, self._clock)
        return Intake(
            block=decoded.rows,
            gateway=self._seen(origin.edge, origin.received_ms),
            rebirth=self._reborn(origin.edge, monotonic_s),
            skewed=decoded.skewed,
            worst_skew_ms=decoded.worst_skew_ms,
            not_finite=decoded.not_finite,
        )

    def _targets(self, readings: Readings, stream: Stream, origin: Origin) -> list[Target | Fault]:
        known = self._book.find(stream)
        return [
            self._named(label, 0, origin) if isinstance(label, str) else self._aliased(label, known.get(label), stream, origin)
            for label in readings.labels
        ]

    def _aliased(self, alias: int, binding: AliasBinding | None, stream: Stream, origin: Origin) -> Target | Fault:
        if binding is None:
            detail = f"alias {alias} is in no birth of {origin.edge} in epoch {stream.epoch}"
            return Fault(reason=Reason.UNKNOWN_ALIAS, detail=detail)
        if self._book.withdrawn(stream, alias):
            return Fault(reason=Reason.ALIAS_CONFLICT, detail=f"two births of epoch {stream.epoch} disagree on alias {alias}")
        if binding.device != origin.device:
            detail = f"alias {alias} belongs to device {binding.device!r}, the message came from {origin.device!r}"
            return Fault(reason=Reason.UNKNOWN_METRIC, detail=detail)
        return self._named(binding.metric, binding.datatype, origin)

    def _named(self, metric: str, datatype: int, origin: Origin) -> Target | Fault:
        found = self.channels.find(origin.edge, origin.device, metric)
        return found if isinstance(found, Fault) else Target(metric=metric, datatype=datatype, channels=found)

    def _bad_block(self, error: BadBlock, edge: str, topic: str, payload: bytes) -> Intake:
        """A letter that covers the block's numbers, so that they are receipted; without numbers, a letter alone."""
        if error.stream is None or error.numbers is None:
            return Intake(letters=(letter(error.reason, error.detail, edge=edge, topic=topic, payload=payload),))
        return Intake(block=refused_block(error.stream, error.numbers, error.reason, error.detail, topic=topic, payload=payload))

    # --- births and deaths ----------------------------------------------------------------------------------------

    def _birth(self, topic: Topic, payload: Payload, now_ms: int) -> Intake:
        edge, device = topic.edge, topic.device or ""
        bindings = births.decode_birth(payload, edge=edge, device=device)
        if not all(isinstance(b.metric, str) and "\x00" not in b.metric for b in bindings):
            raise DecodeError(Reason.BAD_BIRTH, f"a metric name of {edge} {device!r} is not UTF-8 text without NUL")
        epoch = births.birth_epoch(payload)
        gateway = None
        if topic.message_type is MessageType.NBIRTH:
            self._bd_seq[edge] = births.decode_bd_seq(payload)
            self._rebirths.node_born(edge)
            if epoch is None:
                self._book.forget_foreign(edge)
            gateway = self._change(edge, online=True, now_ms=now_ms)
        else:
            self._rebirths.device_born(Stream(edge=edge, epoch=FOREIGN_EPOCH if epoch is None else epoch), device)
        if epoch is None:
            self._book.learn_foreign(edge, bindings)
            return Intake(gateway=gateway, ignored="" if gateway else "foreign_birth")
        fresh, contradicting = self._book.learn(bindings)
        letters = tuple(
            letter(
                Reason.ALIAS_CONFLICT,
                f"alias {b.alias} of epoch {epoch} is now {b.device!r} {b.metric!r}, type {b.datatype}; it was something else",
                edge=edge,
                epoch=epoch,
            )
            for b in contradicting
        )
        ignored = "" if fresh or letters or gateway else "known_birth"
        return Intake(bindings=fresh, letters=letters, gateway=gateway, ignored=ignored)

    def _death(self, topic: Topic, payload: Payload, now_ms: int) -> Intake:
        """A death counts only for the birth with its number: the will of a connection long replaced comes late."""
        born = self._bd_seq.get(topic.edge)
        if born is not None and births.decode_bd_seq(payload) != born:
            return Intake(ignored="stale_death")
        return Intake(gateway=self._change(topic.edge, online=False, now_ms=now_ms))

    def _seen(self, edge: str, now_ms: int) -> GatewayChange | None:
        """Data of a gateway whose birth we have not heard (we may have started after it) says that it is up."""
        return None if edge in self._up else self._change(edge, online=True, now_ms=now_ms)

    def _change(self, edge: str, *, online: bool, now_ms: int) -> GatewayChange:
        self._up[edge] = online
        return GatewayChange(edge=edge, online=online, at=datetime.fromtimestamp(now_ms / 1000, UTC))

    def _reborn(self, edge: str, monotonic_s: float) -> str | None:
        """A gateway that we believed dead and that speaks is to be born again."""
        return self._ask(edge, monotonic_s) if self._up.get(edge) is False else None

    def _ask(self, edge: str, monotonic_s: float) -> str | None:
        return edge if self._rebirths.ask(edge, monotonic_s) else None


def any_in(columns: Sequence[NDArray[np.int64]], number: int) -> bool:
    """Whether any of the columns holds a number: in one look, for blocks are many and small."""
    return bool(columns) and bool((np.concatenate(columns) == number).any())


def _received(intake: Intake, now_ms: int) -> Intake:
    """The same with the time of receipt on every letter."""
    block = intake.block
    if block is not None:
        block = replace(block, dead=tuple(replace(dead, received_ms=now_ms) for dead in block.dead))
    return replace(intake, block=block, letters=tuple(replace(one, received_ms=now_ms) for one in intake.letters))
