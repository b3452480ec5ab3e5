"""A message's key and its payload's hash: the same for ever, on every machine."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.canonical import canonical, payload_hash
from runner.ledger.identity import KeyMaker, message_key, reference_of

WORKSPACE = "5a0c8c1e-2f0e-4c0e-9d5d-0d6b1a1f7a11"
GIVEN = {
    "workspace_id": WORKSPACE,
    "name": "spring-launch",
    "edition": "2026-03",
    "message": "announce",
    "address": "phonenumber:+14155550100",
}
KEY = message_key(**GIVEN)


def test_a_key_is_the_first_160_bits_of_sha_256_over_length_prefixed_fields() -> None:
    fields = ["flypast1", WORKSPACE, "spring-launch", "2026-03", "announce", "phonenumber:+14155550100", "A-1", "ü"]
    framed = b"".join(len(field.encode()).to_bytes(4, "big") + field.encode() for field in fields)
    expected = base64.b32encode(hashlib.sha256(framed).digest()[:20]).decode()
    assert message_key(**GIVEN, distinct=["A-1", "ü"]) == expected
    assert reference_of(expected) == "fp1." + expected


def test_more_different_lengths_than_are_remembered_are_framed_alike() -> None:
    maker = KeyMaker(workspace_id=WORKSPACE, name="n", edition="1", message="m")
    addresses = ["x" * length for length in range(5_000)]
    assert maker.keys(addresses) == [maker.key(each) for each in addresses]


@given(address=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_key_is_spelled_as_base32_is_everywhere(address: str) -> None:
    key = message_key(**{**GIVEN, "address": address})
    assert base64.b32encode(base64.b32decode(key)).decode() == key
    assert len(base64.b32decode(key)) == 20


def test_a_key_never_changes() -> None:
    assert KEY == "NAI5VMUO4DJX7EP5VFMA5HGYVOVQGPWI"
    assert message_key(**GIVEN, distinct=[5, None, True, {"b": 1, "a": [1.5]}]) == "GMVTRGFH3QHOLZD5G3IRQV3UXHI3IUJ7"


@pytest.mark.parametrize("field", list(GIVEN))
def test_every_field_is_in_the_key(field: str) -> None:
    assert message_key(**{**GIVEN, field: GIVEN[field] + "x"}) != KEY


def test_the_workspaces_letter_case_is_not_in_the_key() -> None:
    assert message_key(**{**GIVEN, "workspace_id": WORKSPACE.upper()}) == KEY


def test_a_distinct_value_is_the_same_from_csv_and_json_lines() -> None:
    assert message_key(**GIVEN, distinct=[5]) == message_key(**GIVEN, distinct=["5"])
    assert message_key(**GIVEN, distinct=["5"]) != KEY


def test_text_can_not_move_from_one_field_to_the_next() -> None:
    moved = {**GIVEN, "edition": "2026-03a", "message": "nnounce"}
    assert message_key(**moved) != KEY
    assert message_key(**GIVEN, distinct=["ab", "c"]) != message_key(**GIVEN, distinct=["a", "bc"])


@given(address=st.text(st.characters(codec="utf-8")), distinct=st.lists(st.integers() | st.booleans(), max_size=3))
def test_a_key_maker_gives_the_same_keys(address: str, distinct: list[int]) -> None:
    maker = KeyMaker(workspace_id=WORKSPACE, name="n", edition="1", message="m")
    maker.key("someone else")
    assert maker.key(address, distinct) == message_key(
        workspace_id=WORKSPACE, name="n", edition="1", message="m", address=address, distinct=distinct
    )


def test_text_without_utf_8_has_no_key() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        message_key(**{**GIVEN, "address": "\ud800"})


def test_canonical_json_is_sorted_compact_utf_8() -> None:
    assert canonical({"b": [1, 2.5, None], "a": {"ü": "é\n"}}) == '{"a":{"ü":"é\\n"},"b":[1,2.5,null]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"text": "\udcff"}])
def test_what_json_or_utf_8_can_not_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - two kinds of ValueError, one meaning
        canonical(value)


def test_the_payload_hash_leaves_the_reference_out_and_nothing_else() -> None:
    request = {"receiver": {"contacts": []}, "body": {"type": "text", "text": {"text": "Hi", "reference": "inner"}}}
    expected = hashlib.sha256(json.dumps(request, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert payload_hash(request) == expected
    assert payload_hash({**request, "reference": "fp1.A"}) == expected
    assert payload_hash({**request, "tags": []}) != expected


def test_fields_of_more_lengths_than_are_remembered_have_keys_of_their_own() -> None:
    maker = KeyMaker(workspace_id="w", name="n", edition="1", message="m")
    values = ["x" * length for length in range(1, 4_400)]
    keys = [maker.key("phonenumber:+14155550100", [value]) for value in values]
    assert len(set(keys)) == len(keys)
    assert keys[-1] == message_key(
        workspace_id="w", name="n", edition="1", message="m", address="phonenumber:+14155550100", distinct=[values[-1]]
    )
