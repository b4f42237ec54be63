"""What a browser asks of the server is read with care, and answered."""

import json
import struct
import threading

import numpy as np
import pytest

from pages.state.reported_values import LIMIT
from pages.ui.assets import browser_megabytes
from pages.ui.server_decode import BATCH, NetworkRequest, ServedDecoder, read_request
from vae.core.errors import ConfigError

GOOD = {"number": 7, "asks": [{"decoder": "a", "codes": [[0, 1.5], [2, -3]]}]}


def decode(codes: np.ndarray) -> np.ndarray:
    return np.zeros((len(codes), 2, 3, 1), np.float32)


DECODERS = {
    "a": ServedDecoder("a", 2, (1, 2, 3), "because", decode),
    "b": ServedDecoder("b", 3, (1, 2, 3), "because", decode),
}


def ask(codes: object, decoder: object = "a") -> dict:
    return {"number": 7, "asks": [{"decoder": decoder, "codes": codes}]}


def test_a_request_is_read():
    request = read_request(GOOD, DECODERS)
    assert request.number == 7
    [(decoder, codes)] = request.asks
    assert decoder is DECODERS["a"]
    assert codes.dtype == np.float32
    np.testing.assert_array_equal(codes, [[0, 1.5], [2, -3]])


def test_a_request_may_be_for_several_decoders():
    asks = [{"decoder": "b", "codes": [[1, 2, 3]]}, *GOOD["asks"]]
    request = read_request({"number": 1, "asks": asks}, DECODERS)
    found = [(decoder.identity, len(codes)) for decoder, codes in request.asks]
    assert found == [("b", 1), ("a", 2)]


def test_the_largest_request_is_read():
    request = read_request(ask([[LIMIT, -LIMIT]] * BATCH), DECODERS)
    assert len(request.asks[0][1]) == BATCH


@pytest.mark.parametrize(
    "codes",
    [
        None,
        "codes",
        {},
        [],
        [[]],
        [0, 1],
        [[0]],
        [[0, 1, 2]],
        [[0, 1], [0]],
        [[0, None]],
        [[0, "1"]],
        [[0, True]],
        [[0, [1]]],
        [[0, float("nan")]],
        [[0, float("inf")]],
        [[0, -1.001 * LIMIT]],
        [[0, 10**400]],
        [[0, 1]] * (BATCH + 1),
    ],
    ids=repr,
)
def test_unusable_codes_are_refused(codes):
    assert read_request(ask(codes), DECODERS) == NetworkRequest(7, ())


@pytest.mark.parametrize("decoder", [None, "c", "", 0, ["a"], {}], ids=repr)
def test_an_unknown_decoder_is_refused(decoder):
    assert read_request(ask([[0, 1]], decoder), DECODERS) == NetworkRequest(7, ())


@pytest.mark.parametrize(
    "number", [None, "7", 7.0, True, 0, -1, 2**53, [7], float("nan")], ids=repr
)
def test_an_unusable_number_is_nothing(number):
    assert read_request({**GOOD, "number": number}, DECODERS) == NetworkRequest(0, ())


@pytest.mark.parametrize("asked", [None, "asked", 7, [], {}, [GOOD], {"number": 7}], ids=repr)
def test_what_is_no_request_asks_for_nothing(asked):
    assert len(read_request(asked, DECODERS).asks) == 0


@pytest.mark.parametrize("asks", [None, {}, "a", ["a"], [None], [[]], [{}] * 40], ids=repr)
def test_unusable_asks_are_refused(asks):
    assert read_request({"number": 7, "asks": asks}, DECODERS) == NetworkRequest(7, ())


def test_one_unusable_ask_refuses_the_request():
    asks = [*GOOD["asks"], {"decoder": "b", "codes": [[0, 1]]}]
    assert read_request({"number": 7, "asks": asks}, DECODERS) == NetworkRequest(7, ())


def test_the_bound_holds_for_all_asks_together():
    asks = [{"decoder": "a", "codes": [[0, 1]] * (BATCH // 2 + 1)}] * 2
    assert read_request({"number": 7, "asks": asks}, DECODERS) == NetworkRequest(7, ())


@pytest.mark.parametrize(("text", "megabytes"), [("0", 0), ("1.5", 1.5), ("inf", np.inf)])
def test_the_size_of_what_the_browser_is_sent_is_a_setting(monkeypatch, text, megabytes):
    monkeypatch.setenv("LATENT_BROWSER_MEGABYTES", text)
    assert browser_megabytes() == megabytes


def test_the_browser_is_sent_up_to_32_megabytes(monkeypatch):
    monkeypatch.delenv("LATENT_BROWSER_MEGABYTES", raising=False)
    assert browser_megabytes() == 32


@pytest.mark.parametrize("text", ["", "many", "-1", "nan"])
def test_a_setting_that_is_no_size_is_named(monkeypatch, text):
    monkeypatch.setenv("LATENT_BROWSER_MEGABYTES", text)
    with pytest.raises(ConfigError, match="LATENT_BROWSER_MEGABYTES"):
        browser_megabytes()


PAGES = ["app.py", "pages/map.py", "pages/decode.py", "pages/interpolate.py", "pages/compare.py"]


def components(page, name: str) -> list:
    """The mounted components of that name."""
    protos = [element.proto for element in page.main if element.type == "bidi_component"]
    return [proto for proto in protos if proto.component_name == name]


def header(blob: bytes) -> dict:
    (length,) = struct.unpack_from("<I", blob, 4)
    return json.loads(blob[8 : 8 + length])


@pytest.mark.parametrize("file", PAGES)
def test_a_page_mounts_its_decoders_on_the_server(open_page, monkeypatch, file):
    monkeypatch.setenv("LATENT_BROWSER_MEGABYTES", "0")
    page = open_page(file, model="digits-beta-1")
    assert not page.exception
    assert not page.warning
    [served] = components(page, "latent_served")
    assert header(served.bytes)["kind"] == "frames"
    assert header(served.bytes)["number"] == 0
    assets = [header(proto.bytes) for proto in components(page, "latent_asset")]
    described = [asset for asset in assets if asset["kind"] == "served"]
    # The Map has an encoder too, for drawings.
    assert len(described) == {"pages/compare.py": 3, "pages/map.py": 2}.get(file, 1)
    assert {asset["exchange"] for asset in described} == {header(served.bytes)["id"]}
    assert all("0 MB" in asset["reason"] for asset in described)
    assert not any(asset["kind"] == "decoder" for asset in assets)


@pytest.mark.parametrize(
    "asked", ["nonsense", {"number": 3, "asks": [{"codes": 1}]}, None], ids=repr
)
def test_a_page_stays_calm_whatever_is_asked(open_page, monkeypatch, asked):
    monkeypatch.setenv("LATENT_BROWSER_MEGABYTES", "0")
    page = open_page("pages/decode.py")
    [served] = components(page, "latent_served")
    page.session_state[header(served.bytes)["id"]] = {"asked": asked}
    page.run()
    assert not page.exception
    [served] = components(page, "latent_served")
    assert header(served.bytes)["arrays"] == {}


def failing_script() -> None:
    from pages.ui.server_decode import ServedDecoder, mount_served

    def fail(codes):
        raise RuntimeError("this decoder always fails")

    mount_served([ServedDecoder("a", 1, (1, 2, 2), "because", fail)], "exchange")


def test_a_decoder_that_fails_does_not_cut_the_channel_off():
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_function(failing_script).run()
    asked = {"number": 5, "asks": [{"decoder": "a", "codes": [[0]]}]}
    page.session_state["exchange"] = {"asked": asked}
    page.run()
    assert len(page.exception) == 1
    [served] = components(page, "latent_served")
    assert (header(served.bytes)["number"], header(served.bytes)["arrays"]) == (5, {})


def counting_script() -> None:
    import numpy as np
    import streamlit as st

    from pages.ui.server_decode import ServedDecoder, mount_served

    def decode(codes):
        st.session_state["decoded"] = st.session_state.get("decoded", 0) + len(codes)
        return np.zeros((len(codes), 2, 2, 1), np.float32)

    mount_served([ServedDecoder("a", 1, (1, 2, 2), "because", decode)], "exchange")


def test_a_page_that_is_run_anew_repeats_its_answer_without_decoding():
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_function(counting_script).run()
    asked = {"number": 5, "asks": [{"decoder": "a", "codes": [[0], [1]]}]}
    page.session_state["exchange"] = {"asked": asked}
    answers = [components(page.run(), "latent_served")[0].bytes for _ in range(3)]
    assert header(answers[0])["arrays"]["0"]["shape"] == [2, 1, 2, 2]
    assert answers[0] == answers[1] == answers[2]
    assert page.session_state["decoded"] == 2


def test_decoding_uses_one_thread_in_each_session():
    import torch

    from vae.core.device import use_threads

    before, counts = torch.get_num_threads(), []
    try:
        torch.set_num_threads(2)
        use_threads(1)
        sessions = [
            threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
            for _ in range(4)
        ]
        for session in sessions:
            session.start()
        for session in sessions:
            session.join()
    finally:
        torch.set_num_threads(before)
    assert counts == [1, 1, 1, 1]
