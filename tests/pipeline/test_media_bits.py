import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.bits import Bits, length_prefixed, start_coded, unescaped


def packed(text: str) -> bytes:
    """Return bits drawn as text ("|" and spaces are for the eye), filled up with zeros."""
    bits = text.replace(" ", "").replace("|", "")
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))


def golomb(number: int) -> str:
    digits = f"{number + 1:b}"
    return "0" * (len(digits) - 1) + digits


def test_the_codes_of_the_standard():
    # ITU-T H.264, table 9-2 and 9-3.
    bits = Bits(packed("1 010 011 00100 00101 | 1 010 011 00100"))
    assert [bits.ue() for _ in range(5)] == [0, 1, 2, 3, 4]
    assert [bits.se() for _ in range(4)] == [0, 1, -1, 2]


@given(st.lists(st.one_of(st.integers(0, 2**16), st.sampled_from([0, 1, 2**32 - 2])), max_size=40))
def test_numbers_come_back_as_they_were_written(numbers):
    bits = Bits(packed("".join(map(golomb, numbers)) + "1"))
    assert [bits.ue() for _ in numbers] == numbers


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x00\x01"])
def test_bits_that_end_within_a_number_are_told(data):
    with pytest.raises(EOFError):
        Bits(data).ue()


def test_no_bit_is_read_twice():
    bits = Bits(b"\xa5\x3c")
    assert (bits.u(3), bits.u(5), bits.left, bits.u(8)) == (0b101, 0b00101, 8, 0x3C)
    with pytest.raises(EOFError):
        bits.u(1)


def test_emulation_prevention_is_taken_out():
    assert unescaped(b"\x01\x00\x00\x03\x01\x00\x00\x03\x00\x03") == b"\x01\x00\x00\x01\x00\x00\x00\x03"


def test_units_of_a_sample():
    sample = b"\x00\x00\x00\x02\x09\xf0" + b"\x00\x00\x00\x04\x65\x88\x84\x00"
    assert list(length_prefixed(sample, 4, 99)) == [b"\x09\xf0", b"\x65\x88\x84\x00"]
    assert list(length_prefixed(sample, 4, 2)) == [b"\x09\xf0", b"\x65\x88"]


def test_a_length_beyond_the_sample_ends_it():
    assert list(length_prefixed(b"\x00\x00\xff\xff\x65\x88", 4, 99)) == [b"\x65\x88"]


def test_units_of_a_byte_stream():
    stream = b"\x00\x00\x00\x01\x09\xf0\x00\x00\x00\x01\x67\x42\x00\x00\x01\x65\x88"
    assert list(start_coded(stream, 512, 99)) == [b"\x09\xf0", b"\x67\x42", b"\x65\x88"]
    assert list(start_coded(stream, 12, 99)) == [b"\x09\xf0", b"\x67\x42"]
    assert list(start_coded(b"no start code", 512, 99)) == []


@given(st.binary(max_size=80))
def test_no_bytes_make_it_fail(data):
    assert all(isinstance(unit, bytes) and unit for unit in start_coded(data, 64, 16))
    assert all(isinstance(unit, bytes) and unit for unit in length_prefixed(data, 4, 16))
