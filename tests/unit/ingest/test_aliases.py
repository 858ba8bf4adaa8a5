"""What aliases mean, and what is done with births that disagree."""

from __future__ import annotations

from domain.delivery import AliasBinding, Stream
from ingest.aliases import FOREIGN_EPOCH, AliasBook

STREAM = Stream(edge="g/n", epoch=7)


def binding(alias: int, metric: str, stream: Stream = STREAM) -> AliasBinding:
    return AliasBinding(stream=stream, alias=alias, device="d", metric=metric, datatype=10)


def test_only_what_is_new_must_be_saved() -> None:
    book = AliasBook([binding(1, "a")])
    assert book.learn([binding(1, "a"), binding(2, "b")]) == ((binding(2, "b"),), ())
    assert book.learn([binding(1, "a"), binding(2, "b")]) == ((), ())
    assert book.find(STREAM)[2].metric == "b"


def test_a_contradiction_withdraws_the_alias_and_saves_nothing() -> None:
    book = AliasBook([binding(1, "a")])
    fresh, contradicting = book.learn([binding(1, "z")])
    assert (fresh, contradicting) == ((), (binding(1, "z"),))
    assert book.withdrawn(STREAM, 1)
    assert not book.withdrawn(STREAM, 2)


def test_epochs_do_not_share_aliases() -> None:
    book = AliasBook([binding(1, "a")])
    other = Stream(edge="g/n", epoch=8)
    fresh, contradicting = book.learn([binding(1, "z", other)])
    assert len(fresh) == 1
    assert not contradicting
    assert book.find(STREAM)[1].metric == "a"


def test_the_newest_birth_of_a_foreign_gateway_is_right() -> None:
    book = AliasBook()
    stream = Stream(edge="g/f", epoch=FOREIGN_EPOCH)
    book.learn_foreign("g/f", [binding(1, "a", stream)])
    book.learn_foreign("g/f", [binding(1, "z", stream)])
    assert book.find(stream)[1].metric == "z"
    book.forget_foreign("g/f")
    assert not book.find(stream)
