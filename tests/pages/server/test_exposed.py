"""What a server with the settings that ship answers to those who should get nothing."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pages.server.upload_limits import SESSION_BYTES
from tests.load.visitor import page_request, run_once
from tests.support.app_server import AppServer, running_server

SECRET = "only in run.json"
UPLOAD = "/_stcore/upload_file/{}/{}"
BOUNDARY = "limit"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[AppServer]:
    """A server whose one checkpoint has something to hide."""
    root = tmp_path_factory.mktemp("checkpoints")
    (root / "model").mkdir()
    (root / "model" / "run.json").write_text(json.dumps({"secret": SECRET}))
    with running_server(tmp_path_factory.mktemp("server"), root) as found:
        yield found


def ask(server: AppServer, path: str, method: str = "GET", body=None, **headers: str):
    """A request whose path is sent as it stands; the answer's status, headers and text."""
    place = urlsplit(server.address)
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, sent)
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    connection.close()
    return found


def stream(server: AppServer) -> str:
    return server.address.replace("http", "ws") + "/_stcore/stream"


@contextmanager
def session_on(server: AppServer) -> Iterator[tuple[ClientConnection, str]]:
    """A connection, and the name of the session that it opened."""
    with connect(stream(server), subprotocols=["streamlit"], max_size=None) as connection:
        connection.send(page_request())
        while True:
            message = ForwardMsg.FromString(connection.recv())
            if message.WhichOneof("type") == "new_session":
                break
        yield connection, message.new_session.initialize.session_id


def drain(connection) -> None:
    """Read until nothing comes."""
    while True:
        connection.recv(timeout=30)


def xsrf_cookie(server: AppServer) -> str:
    """The token that a page of this server is given."""
    _, headers, _ = ask(server, "/_stcore/health")
    return headers["Set-Cookie"].split("_streamlit_xsrf=")[1].split(";")[0]


def upload(
    server: AppServer,
    session: str,
    content: bytes,
    token: str,
    said: str = "",
    file: str = "a-file",
) -> int:
    """The status that a file is answered with; `said` is what the page says that its token is."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {"Content_Type": f"multipart/form-data; boundary={BOUNDARY}"}
    headers |= {"X_Xsrftoken": said or token, "Cookie": f"_streamlit_xsrf={token}"}
    try:
        return ask(server, UPLOAD.format(session, file), "PUT", body, **headers)[0]
    except ConnectionError:
        # It need not read a body to the end that it does not want.
        return 413


def test_it_listens_on_this_machine_alone(server):
    assert "started on localhost:" in server.log.read_text()
    port = urlsplit(server.address).port
    with pytest.raises(ConnectionRefusedError):
        # All of 127.0.0.0/8 is this machine, but not the address that is listened on.
        socket.create_connection(("127.0.0.2", port), timeout=5)


def test_a_page_of_another_site_cannot_open_a_session(server):
    elsewhere = "http://elsewhere.example"
    with pytest.raises(InvalidStatus), connect(stream(server), origin=elsewhere) as connection:
        connection.recv()
    with connect(stream(server), origin=server.address) as connection:
        connection.send(page_request())
        assert connection.recv()


def test_a_page_of_another_site_cannot_read_an_answer(server):
    _, headers, _ = ask(server, "/_stcore/health", Origin="http://elsewhere.example")
    assert headers.get("Access-Control-Allow-Origin") not in ("*", "http://elsewhere.example")


def test_a_file_is_taken_from_a_session_with_its_token_up_to_the_limit(server):
    with session_on(server) as (_, session):
        token = xsrf_cookie(server)
        assert upload(server, session, b"1", token) == 204
        assert upload(server, session, b"1", "") == 403
        assert upload(server, session, b"1", token, said=xsrf_cookie(server)) == 403
        assert upload(server, "no-session", b"1", token) == 400
        assert upload(server, session, bytes(10 * 2**20 + 1), token) == 413


@pytest.mark.slow
def test_a_session_that_sends_file_after_file_is_held_to_a_share_of_the_memory(server):
    run_once(server.address, "")
    with session_on(server) as (_, session):
        token = xsrf_cookie(server)
        for number in range(6):
            assert upload(server, session, bytes(9 * 2**20), token, file=f"file-{number}") == 204
        assert 27 * 2**20 <= uploaded_bytes(server) <= SESSION_BYTES


def uploaded_bytes(server: AppServer) -> int:
    """What the server holds of the files that were brought."""
    lines = ask(server, "/_stcore/metrics")[2].splitlines()
    (held,) = [line for line in lines if "UploadedFileManager" in line]
    return int(float(held.rsplit(" ", 1)[1]))


def test_a_message_above_the_limit_ends_the_connection_alone(server):
    with session_on(server) as (connection, _):
        connection.send(bytes(5 * 2**20))
        with pytest.raises(ConnectionClosed):
            drain(connection)
    assert ask(server, "/_stcore/health")[0] == 200


@pytest.mark.parametrize("prefix", ["app/static", "static", "media", "component", "component/x"])
@pytest.mark.parametrize("up", ["..", "%2e%2e", "..%2f..", "%252e%252e", "..\\.."])
def test_no_path_leads_to_a_file_of_the_project(server, prefix, up):
    front = ask(server, "/")[2]
    for depth in (1, 2, 4, 8):
        for file in ("app.py", "pyproject.toml", ".streamlit/config.toml", "etc/passwd"):
            status, _, text = ask(server, f"/{prefix}/{'/'.join([up] * depth)}/{file}")
            assert status in (400, 403, 404) or text == front, (status, text[:200])


@pytest.mark.parametrize(
    "path",
    [
        "app.py",
        "pages/map.py",
        "vae/model.py",
        ".streamlit/config.toml",
        "checkpoints/model/run.json",
        "model/run.json",
        "app/static/run.json",
        "media/run.json",
        "_stcore/bidi-components/latent_map/index.js",
        "_stcore/agent/openapi.json",
    ],
)
def test_files_are_not_served_by_their_names(server, path):
    """Unknown addresses get the front page, so that links open; never a file's contents."""
    _, _, text = ask(server, f"/{path}")
    for inside in (SECRET, "import streamlit", "maxUploadSize", "open_page"):
        assert inside not in text


@pytest.mark.parametrize("model", ["../../../etc/passwd", "/etc/passwd", "model/../../x", "\x00"])
def test_no_name_in_a_link_reaches_a_file(server, model):
    found = run_once(server.address, "map", f"model={model}")
    assert not found.exceptions
    assert not any("root:" in text for text in found.warnings)
