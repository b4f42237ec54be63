"""The server's connections send small messages at once."""

import socket

from pages.server.tcp_nodelay import disable_nagle


def is_immediate(connection: socket.socket) -> bool:
    return bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def test_connections_there_are_and_new_ones_send_at_once():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname()) as client:
            accepted, _ = listening.accept()
            with accepted:
                assert not is_immediate(accepted)
                disable_nagle()
                assert is_immediate(accepted)
                assert is_immediate(client)
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert is_immediate(accepted)


def test_other_descriptors_are_left_alone(tmp_path):
    left, right = socket.socketpair()
    with left, right, (tmp_path / "file").open("w") as file, socket.socket(type=socket.SOCK_DGRAM):
        disable_nagle()
        file.write("still open")
        left.sendall(b"still open")
        assert right.recv(16) == b"still open"


def test_a_system_that_lists_no_descriptors_is_left_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setattr("pages.server.tcp_nodelay.DESCRIPTORS", tmp_path / "absent")
    with socket.socket() as connection:
        disable_nagle()
        assert not is_immediate(connection)
