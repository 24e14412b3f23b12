"""A serial device server: one pty served on TCP, to one client at a time. SIGUSR1 pulls the cable."""

import os
import select
import signal
import socket
import sys
import tty


def serve(pty_path, address, port):
    """Pass bytes between the pty and whoever connects, until killed."""
    pulled = False

    def pull(number, frame):
        nonlocal pulled
        pulled = True

    signal.signal(signal.SIGUSR1, pull)
    serial = os.open(pty_path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(serial)
    with socket.create_server((address, port)) as server:
        print("ready", flush=True)
        while True:
            client, _ = server.accept()
            pulled = False
            with client:
                while not pulled:
                    for ready in select.select([client, serial], [], [], 0.05)[0]:
                        data = client.recv(4096) if ready is client else os.read(serial, 4096)
                        if not data:
                            pulled = True
                        elif ready is client:
                            os.write(serial, data)
                        else:
                            client.sendall(data)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
