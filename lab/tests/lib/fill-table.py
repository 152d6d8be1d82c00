#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fill-table.py CABLE COUNT SYNCID - fills a director's connection table: COUNT established connections in the kernel's own sync
datagrams, sent as frames from CABLE, the other end of the interface on which its backup daemon receives."""
import socket
import struct
import sys
import time

cable, count, syncid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
EACH = 40
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((cable, 0))


def folded(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


size = 8 + 36 * EACH
ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + size, 0, 0x4000, 1, 17, 0, socket.inet_aton('10.9.9.2'), socket.inet_aton('224.0.0.81'))
ip = ip[:10] + struct.pack('!H', ~folded(ip) & 0xffff) + ip[12:]
frame = bytes.fromhex('01005e000051') + b'\2\0\0\0\0\1\x08\0' + ip + struct.pack('!HHHH', 8848, 8848, 8 + size, 0)
frame += struct.pack('!BBHBBH', 0, syncid, size, EACH, 1, 0)
# Direct routing, established, 900 s, to 10.9.1.2:80 through 10.9.0.1:80.
head = struct.pack('!BBHIH', 0, 6, 36, 3, 1)
tail = struct.pack('!HHII', 80, 80, 0, 900)
ends = socket.inet_aton('10.9.0.1') + socket.inet_aton('10.9.1.2')
for first in range(0, count, EACH):
    body = b''.join(head + struct.pack('!H', 1024 + n % 60000) + tail + struct.pack('!I', 0x0b000000 + n // 60000) + ends
                    for n in range(first, first + EACH))
    out.send(frame + body)
    if first % (EACH * 50) == 0:
        time.sleep(0.002)
