import pytest

from domain.errors import ConfigurationError
from simulator.inp import number, read_sections, word, write_sections


def test_what_is_written_is_read():
    text = write_sections({"PIPES": [("P1", "A", "B", 12.5, 100)], "DEMANDS": [("A", 0.25, "day", "; 3 connections")]})
    found = read_sections(text)
    assert found["PIPES"][0].words == ("P1", "A", "B", "12.5", "100")
    assert found["DEMANDS"][0].comment == "3 connections"
    assert found["DEMANDS"][0].line == 5
    assert found["END"] == ()


def test_comment_lines_are_left_out_and_names_are_in_capitals():
    assert [r.words for r in read_sections("[Junctions]\n; all of them\n\nJ1 5\n")["JUNCTIONS"]] == [("J1", "5")]


@pytest.mark.parametrize("line", ["P1 A B twelve", "P1 A B"])
def test_a_missing_or_wrong_number_names_section_and_line(line: str):
    row = read_sections(f"[PIPES]\n{line}\n")["PIPES"][0]
    with pytest.raises(ConfigurationError, match=r"\[PIPES\] line 2.*a length as a number in column 4"):
        number(row, 3, section="PIPES", what="a length")


def test_a_missing_word_names_section_and_line():
    row = read_sections("[PIPES]\nP1\n")["PIPES"][0]
    with pytest.raises(ConfigurationError, match=r"\[PIPES\] line 2.*a node in column 2"):
        word(row, 1, section="PIPES", what="a node")
