"""The kernel's tables of sockets."""

import socket

from intercom_hil.sipp.sockets import free_port, is_bound, is_taken


def test_bound_sockets_are_seen():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.44.70", 0))
        port = one.getsockname()[1]
        assert is_bound("127.0.44.70", port)
        assert is_taken("127.0.44.70", port)
        assert not is_taken("127.0.44.71", port)
    assert not is_bound("127.0.44.70", port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as every:
        every.bind(("0.0.0.0", 0))
        port = every.getsockname()[1]
        assert is_taken("127.0.44.71", port)
        assert not is_bound("127.0.44.71", port)


def test_listening_stream_sockets_are_seen():
    with socket.create_server(("127.0.44.70", 0)) as server:
        port = server.getsockname()[1]
        assert is_bound("127.0.44.70", port, stream=True)
        assert not is_bound("127.0.44.70", port)
    assert not is_bound("127.0.44.70", port, stream=True)


def test_a_free_port_can_be_bound():
    port = free_port("127.0.44.70")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.44.70", port))
    assert free_port("127.0.44.70", besides=port) != port
