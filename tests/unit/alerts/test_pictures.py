"""Pictures from strangers: recognised by their bytes, kept without what the camera noted, refused when they are not whole."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.pictures import LARGEST_BYTES, PictureRefused, clean_picture
from tests.support.pictures import GPS, jpeg, png, segment, webp

MAKERS = {"image/jpeg": jpeg, "image/png": png, "image/webp": webp}


@pytest.mark.parametrize("media_type", MAKERS)
def test_the_picture_stays_and_the_notes_go(media_type: str) -> None:
    made = MAKERS[media_type](tail=b"<script>hung behind the end</script>" + GPS)
    assert GPS in made
    picture = clean_picture(made)
    assert picture.media_type == media_type
    assert GPS not in picture.content
    assert b"script" not in picture.content
    assert b"profile" in picture.content or media_type == "image/png"
    again = clean_picture(picture.content)
    assert again == picture, "a clean picture is not touched"


@pytest.mark.parametrize("media_type", MAKERS)
def test_the_size_is_the_pictures(media_type: str) -> None:
    picture = clean_picture(MAKERS[media_type](40, 30))
    assert (picture.width, picture.height) == (40, 30)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_how_the_camera_was_held_is_kept_and_nothing_else_of_it(orientation: int) -> None:
    clean = clean_picture(jpeg(orientation=orientation)).content
    assert clean.count(b"Exif\0\0") == (orientation != 1)
    if orientation != 1:
        entry = clean[clean.index(b"Exif\0\0") + 6 :]
        assert struct.unpack(">4sIHHHIH", entry[:20]) == (b"MM\0*", 8, 1, 0x0112, 3, 1, orientation)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_none(orientation: int) -> None:
    assert b"Exif" not in clean_picture(jpeg(orientation=orientation)).content


def test_what_is_no_picture_is_refused() -> None:
    cases = {
        "no_picture": [b"", b"GIF89a" + b"\0" * 20, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\xff\xd8"],
        "picture_too_large": [b"\xff\xd8\xff" + b"\0" * LARGEST_BYTES, png(12_001, 1), jpeg(7000, 7000)],
        "broken_picture": [
            jpeg()[:-8],
            png()[:-4],
            webp()[:-3],
            png().replace(b"IDAT", b"IDAX"),
            b"RIFF\x04\0\0\0WAVE",
            b"\xff\xd8\xff\xd9",
            jpeg().replace(b"\xff\xc0", b"\xff\xc3"),
            b"\xff\xd8" + segment(0xE1, b"Exif\0\0") + b"\xff\xd9",
        ],
    }
    for code, contents in cases.items():
        for content in contents:
            with pytest.raises(PictureRefused) as caught:
                clean_picture(content)
            assert caught.value.code == code, content[:30]


heads = st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x20\0\0\0WEBP", b""])


@given(head=heads, rest=st.binary(max_size=400))
def test_noise_is_refused_or_clean_and_never_more(head: bytes, rest: bytes) -> None:
    try:
        picture = clean_picture(head + rest)
    except PictureRefused:
        return
    assert clean_picture(picture.content) == picture


@given(
    maker=st.sampled_from(list(MAKERS.values())),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.floats(0, 1),
)
def test_a_picture_with_wrong_bytes_is_refused_or_clean(
    maker: Callable[[], bytes], changes: list[tuple[float, int]], cut: float | None
) -> None:
    content = bytearray(maker())
    for where, value in changes:
        content[int(where * len(content))] = value
    if cut is not None:
        del content[int(cut * len(content)) :]
    try:
        picture = clean_picture(bytes(content))
    except PictureRefused:
        return
    assert len(picture.content) <= len(content) + 40
    assert clean_picture(picture.content) == picture
