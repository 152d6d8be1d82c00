#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""exposure.py - how long a new connection is unknown to the other directors.

    exposure.py INTERFACE NAMESPACE HOST PORT COUNT SECONDS [RATE]

Listens to the kernel's sync datagrams on INTERFACE (the far end of the master's), while COUNT connections are opened from
NAMESPACE at random moments within SECONDS, and as a load RATE more connections a second. Prints, in seconds, the median,
the 90th percentile and the longest time from a connection's last handshake packet to the first datagram that names it, how
many were never named, and the number of datagrams.
"""
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time

CLIENT = '''
import random, socket, sys, time
host, port, count, seconds, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
begin = time.monotonic()
moments = sorted(random.uniform(0, seconds) for _ in range(count))
load = [i / rate for i in range(int(seconds * rate))] if rate else []
kept, background = [], []
for moment, isSample in sorted([(m, True) for m in moments] + [(m, False) for m in load]):
    pause = begin + moment - time.monotonic()
    if pause > 0:
        time.sleep(pause)
    s = socket.create_connection((host, port), 5)
    if isSample:
        print(s.getsockname()[1], time.monotonic(), flush=True)
        kept.append(s)
    else:
        background.append(s)
        if len(background) > 200:
            background.pop(0).close()
time.sleep(4)
'''


def records(datagram):
    """The client ports of the IPv4 records in a version 1 datagram (header of 8 bytes, then records)."""
    if len(datagram) < 8 or datagram[5] != 1:
        return
    offset = 8
    while offset + 16 <= len(datagram):
        kind, _, size = struct.unpack_from('!BBH', datagram, offset)
        size &= 0x0fff
        if size < 36 or offset + size > len(datagram):
            return
        if not kind & 1:
            yield struct.unpack_from('!H', datagram, offset + 10)[0]
        offset += (size + 3) & ~3


def main():
    interface, namespace, host, port, count, seconds = sys.argv[1:7]
    rate = sys.argv[7] if len(sys.argv) > 7 else '0'
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    tap.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
    tap.bind((interface, 0))
    tap.settimeout(0.2)
    seen, datagrams, ended = {}, 0, threading.Event()

    def listen():
        nonlocal datagrams
        while not ended.is_set():
            try:
                packet = tap.recv(65536)
            except TimeoutError:
                continue
            now = time.monotonic()
            start = (packet[0] & 15) * 4
            if packet[9] == 17 and struct.unpack_from('!H', packet, start + 2)[0] == 8848:
                datagrams += 1
                for client in records(packet[start + 8:]):
                    seen.setdefault(client, now)

    listener = threading.Thread(target=listen)
    listener.start()
    client = subprocess.run(
        ['ip', 'netns', 'exec', namespace, sys.executable, '-c', CLIENT, host, port, count, seconds, rate],
        stdout=subprocess.PIPE, text=True, timeout=float(seconds) * 4 + 60)
    ended.set()
    listener.join()
    opened = [(int(a), float(b)) for a, b in (line.split() for line in client.stdout.splitlines())]
    ages = sorted(max(0.0, seen[c] - t) for c, t in opened if c in seen)
    missing = len(opened) - len(ages)
    if not ages:
        print(f'none of {len(opened)} connections was announced')
        return 1
    at = lambda share: ages[min(len(ages) - 1, int(share * len(ages)))]
    print(f'median {at(0.5):.3f} p90 {at(0.9):.3f} max {ages[-1]:.3f} missing {missing} of {len(opened)} datagrams {datagrams}')
    return 0


if __name__ == '__main__':
    os.nice(-5)
    sys.exit(main())
