from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sessions import SessionStore


def store(lifetime_s: float = 1000, idle_s: float = 100) -> SessionStore:
    return SessionStore(b"k" * 32, lifetime_s=lifetime_s, idle_s=idle_s)


def test_a_session_is_found_by_its_cookie_only() -> None:
    sessions = store()
    session = sessions.open("omar", 0)
    assert sessions.find(sessions.cookie(session), 1) is session
    assert sessions.find(session.session_id, 1) is None
    assert sessions.find(session.session_id + ".", 1) is None
    assert sessions.find(None, 1) is None


@given(st.text(max_size=200))
def test_no_other_cookie_opens_anything(cookie: str) -> None:
    sessions = store()
    sessions.open("omar", 0)
    assert sessions.find(cookie, 1) is None


def test_another_secret_s_cookie_is_nothing() -> None:
    one, two = store(), SessionStore(b"x" * 32, lifetime_s=1000, idle_s=100)
    session = one.open("omar", 0)
    two._sessions[session.session_id] = session
    assert two.find(one.cookie(session), 1) is None


def test_it_ends_when_idle_and_lives_on_when_used() -> None:
    sessions = store()
    cookie = sessions.cookie(sessions.open("omar", 0))
    for now_s in (99, 198, 297):
        assert sessions.find(cookie, now_s) is not None
    assert sessions.find(cookie, 397) is None
    assert sessions.find(cookie, 397) is None


def test_it_ends_after_its_lifetime_whatever_happens() -> None:
    sessions = store(lifetime_s=150)
    cookie = sessions.cookie(sessions.open("omar", 0))
    assert sessions.find(cookie, 90) is not None
    assert sessions.find(cookie, 149) is not None
    assert sessions.find(cookie, 150) is None


def test_looking_whether_it_lives_does_not_keep_it_alive() -> None:
    sessions = store()
    session = sessions.open("omar", 0)
    assert sessions.alive(session.session_id, 99)
    assert not sessions.alive(session.session_id, 100)


def test_closing() -> None:
    sessions = store()
    session = sessions.open("omar", 0)
    sessions.close(session)
    sessions.close(session)
    assert sessions.find(sessions.cookie(session), 0) is None
    assert not sessions.alive(session.session_id, 0)


def test_no_two_sessions_share_anything() -> None:
    sessions = store()
    opened = [sessions.open("omar", 0) for _ in range(50)]
    assert len({s.session_id for s in opened} | {s.csrf_token for s in opened}) == 100


def test_their_number_is_bounded() -> None:
    sessions = store()
    first = sessions.open("omar", 0)
    for i in range(5_000):
        sessions.open("omar", 1 + i / 1e6)
    assert len(sessions._sessions) == 5_000
    assert sessions.find(sessions.cookie(first), 2) is None


def test_signatures_are_for_one_purpose() -> None:
    sessions = store()
    assert sessions.signed("login", "a", sessions.sign("login", "a"))
    assert not sessions.signed("session", "a", sessions.sign("login", "a"))
    assert not sessions.signed("login", "a", "é")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SessionStore(b"short", lifetime_s=1, idle_s=1)
