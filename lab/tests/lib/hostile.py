# SPDX-License-Identifier: Apache-2.0
"""Sends to a heartbeat's probe port what it must not believe: hostile.py TARGET PORT [CAPTURE SOURCE]

hostile.py --send TARGET PORT CAPTURE sends what was captured as it is, from the address of whoever runs it; with a fifth
word, SOURCE, from there, again and again for ten seconds.

Garbage of all lengths, probes with a wrong authentication, wrong versions; with CAPTURE (80 bytes a probe, as `hostile.py
--capture PORT COUNT` printed them in hex) those again, exactly as they were, from SOURCE's address.
"""
import os
import random
import socket
import struct
import sys
import time

ttl = int(os.environ.get("HOSTILE_TTL", "1"))

if sys.argv[1] == "--capture":
    port, count = int(sys.argv[2]), int(sys.argv[3])
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    raw.settimeout(20)
    while count:
        packet = raw.recv(2048)
        body = packet[(packet[0] & 15) * 4:]
        if struct.unpack("!H", body[2:4])[0] == port and len(body) == 88:
            print(body[8:].hex())
            count -= 1
    sys.exit()


def spoofed(source, target, port, data):
    body = struct.pack("!HHHH", port, port, 8 + len(data), 0) + data
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, ttl, 17, 0, socket.inet_aton(source),
                       socket.inet_aton(target)) + body


if sys.argv[1] == "--send":
    target, port = sys.argv[2], int(sys.argv[3])
    probes = [bytes.fromhex(line.strip()) for line in open(sys.argv[4])]
    if len(sys.argv) > 5:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for data in probes:
                raw.sendto(spoofed(sys.argv[5], target, port, data), (target, 0))
            time.sleep(0.1)
    else:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        for data in probes:
            udp.sendto(data, (target, port))
    sys.exit()
target, port = sys.argv[1], int(sys.argv[2])
random.seed(20260101)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
for number in range(2000):
    kind = number % 4
    if kind == 0:
        data = os.urandom(random.randrange(0, 200))
    elif kind == 1:
        data = b"VRVP" + os.urandom(76)
    else:
        data = struct.pack("!4sBBBBIIQQQQQIBBBB", b"VRVP", 1, 1, 0, 0, 2, 1, 1, 0, number, 1, 0, 0, 255, 255, 255,
                           random.randrange(256)) + os.urandom(16)
    udp.sendto(data, (target, port))
    if number % 50 == 0:
        time.sleep(0.01)
if len(sys.argv) > 3:
    source = sys.argv[4]
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for line in open(sys.argv[3]):
        data = bytes.fromhex(line.strip())
        raw.sendto(spoofed(source, target, port, data), (target, 0))
