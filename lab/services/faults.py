#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server that misbehaves, for tests of checks.

    faults.py MODE ADDRESS PORT [TARGET-ADDRESS TARGET-PORT]

silent     accepts and says nothing                    closing    accepts and closes at once
resetting  accepts and resets                          endless    sends bytes as fast as they are taken
garbage    answers everything with random bytes        blackhole  SYNs get no answer: the queue of the socket is full
dribble    passes to the target; its answers come back one byte a second
unsaid     passes to the target until the first answer, of which half comes back, then nothing
UDP is silent in the modes silent and blackhole, and answered with random bytes in garbage.
Prints "ready" when it listens.
"""
import os
import socket
import struct
import sys
import threading
import time


def serve(mode, client, target):
    try:
        if mode == "closing":
            client.close()
        elif mode == "resetting":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        elif mode == "silent":
            while client.recv(65536):
                pass
        elif mode == "endless":
            while True:
                client.sendall(b"x" * 65536)
        elif mode == "garbage":
            client.sendall(os.urandom(200))
            while client.recv(65536):
                client.sendall(os.urandom(200))
        else:
            relay(mode, client, target)
    except OSError:
        pass
    finally:
        client.close()


def relay(mode, client, target):
    server = socket.create_connection(target)

    def up():
        try:
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    threading.Thread(target=up, daemon=True).start()
    with server:
        while data := server.recv(65536):
            if mode == "unsaid":
                client.sendall(data[: len(data) // 2])
                time.sleep(3600)
            for byte in data:
                client.sendall(bytes([byte]))
                time.sleep(1)


def datagrams(mode, udp):
    while True:
        _, peer = udp.recvfrom(65536)
        if mode == "garbage":
            udp.sendto(os.urandom(100), peer)


def main():
    mode, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    target = (sys.argv[4], int(sys.argv[5])) if len(sys.argv) > 5 else None
    if mode not in ("silent", "closing", "resetting", "endless", "garbage", "blackhole", "dribble", "unsaid"):
        sys.exit(__doc__)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    tcp = socket.socket(family)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind((address, port))
    tcp.listen(0 if mode == "blackhole" else 1024)
    held = []
    if mode in ("silent", "garbage", "blackhole"):
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind((address, port))
        threading.Thread(target=datagrams, args=(mode, udp), daemon=True).start()
    if mode == "blackhole":
        # Connections that nobody accepts fill the queue; from then on the kernel drops what comes.
        for _ in range(8):
            filler = socket.socket(family)
            filler.setblocking(False)
            filler.connect_ex((address, port))
            held.append(filler)
            time.sleep(0.02)
    print("ready", flush=True)
    while mode == "blackhole":
        time.sleep(3600)
    while True:
        client, _ = tcp.accept()
        threading.Thread(target=serve, args=(mode, client, target), daemon=True).start()


main()
