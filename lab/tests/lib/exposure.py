#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""exposure.py - how long a new connection is unknown to the other directors.

    exposure.py TAP CABLE MAC CLIENT VIP PORT RATE SECONDS

Opens RATE TCP connections a second for SECONDS, as frames (SYN, then ACK) sent from CABLE, the other end of the director's
interface with hardware address MAC, as if CLIENT, an address of IPv4 or IPv6, asked for VIP. Listens to the kernel's sync datagrams
that leave through TAP, the interface on which the director's master sends them, and takes their times from the kernel.

From a connection's ACK to the first datagram that names it a director that loses power takes the connection along. Prints the rate
that was reached, and these times, in seconds: the shortest (the youngest connection that a crash may spare), the median, the 90th and
99th percentile, and the longest (the oldest that a crash may take along); then how many were never announced, and the datagrams.
"""
import random
import socket
import struct
import sys
import time

SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
ETH_P_ALL, FIRST_PORT, SYN, ACK = 3, 2000, 0x02, 0x10


def folded(data):
    """The sum of a checksum, not yet inverted."""
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Client:
    """Frames of TCP connections that differ in nothing but their port."""

    def __init__(self, cable, mac, client, vip, port):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((cable, 0))
        family = socket.AF_INET6 if ':' in client else socket.AF_INET
        ends = socket.inet_pton(family, client) + socket.inet_pton(family, vip)
        if family == socket.AF_INET:
            head = struct.pack('!BBHHHBBH', 0x45, 0, 40, 0, 0x4000, 64, 6, 0) + ends
            head = head[:10] + struct.pack('!H', ~folded(head) & 0xffff) + head[12:]
        else:
            head = struct.pack('!IHBB', 6 << 28, 20, 6, 64) + ends
        kind = 0x0800 if family == socket.AF_INET else 0x86dd
        self.head = bytes.fromhex(mac.replace(':', '')) + b'\2\0\0\0\0\1' + struct.pack('!H', kind) + head
        self.rest = {f: struct.pack('!HIIBBH', port, 1, 1, 0x50, f, 0xffff) for f in (SYN, ACK)}
        pseudo = ends + struct.pack('!HH', 6, 20)
        self.sum = {f: folded(pseudo + b'\0\0' + rest) for f, rest in self.rest.items()}

    def send(self, port, flag):
        total = self.sum[flag] + port
        self.socket.send(self.head + struct.pack('!H', port) + self.rest[flag]
                         + struct.pack('!HH', ~((total & 0xffff) + (total >> 16)) & 0xffff, 0))


def records(datagram):
    """Protocol and client port of the records in a version 1 datagram (header of 8 bytes, then records)."""
    if len(datagram) < 8 or datagram[5] != 1:
        return
    offset = 8
    while offset + 16 <= len(datagram):
        protocol, size = struct.unpack_from('!xBH', datagram, offset)
        size &= 0x0fff
        if size < 36 or offset + size > len(datagram):
            return
        yield protocol, struct.unpack_from('!H', datagram, offset + 10)[0]
        offset += (size + 3) & ~3


def main():
    tap_name, cable, mac, host, vip, port, rate, seconds = sys.argv[1:9]
    rate, seconds = float(rate), float(seconds)
    client = Client(cable, mac, host, vip, int(port))
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    tap.bind((tap_name, ETH_P_ALL))
    tap.setblocking(False)

    count = int(rate * seconds)
    # Random moments; when there are many, evenly: what is drawn in time must not depend on what the machine can do at once.
    due = sorted(random.uniform(0, seconds) for _ in range(count)) if rate <= 200 else [i / rate for i in range(count)]
    opened, begin, number = [], time.monotonic(), FIRST_PORT
    for moment in due:
        pause = begin + moment - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        elif time.monotonic() > begin + seconds:
            break
        client.send(number, SYN)
        client.send(number, ACK)
        opened.append(time.time())
        number += 1
    reached = len(opened) / (time.monotonic() - begin) if rate > 200 else rate
    time.sleep(4)

    seen, datagrams, nudges = {}, 0, 0
    while True:
        try:
            packet, ancillary, _, sender = tap.recvmsg(65536, 128)
        except BlockingIOError:
            break
        if sender[1] != 0x0800 or sender[2] != socket.PACKET_OUTGOING:
            continue
        start = (packet[0] & 15) * 4
        if packet[9] != 17 or not 8848 <= struct.unpack_from('!H', packet, start + 2)[0] < 8848 + 64:
            continue
        whole, part = struct.unpack('qq', ancillary[0][2][:16])
        datagrams += 1
        for protocol, source in records(packet[start + 8:]):
            if protocol == 6:
                seen.setdefault(source, whole + part / 1e9)
            else:
                nudges += 1
    ages = sorted(max(0.0, seen[FIRST_PORT + i] - t) for i, t in enumerate(opened) if FIRST_PORT + i in seen)
    if not ages:
        print(f'none of {len(opened)} connections was announced')
        return 1
    at = lambda share: ages[min(len(ages) - 1, int(share * len(ages)))]
    print(f'reached {reached:.0f}/s youngest {ages[0]:.3f} median {at(0.5):.3f} p90 {at(0.9):.3f} p99 {at(0.99):.3f} oldest {ages[-1]:.3f} '
          f'missing {len(opened) - len(ages)} of {len(opened)} datagrams {datagrams} nudges {nudges}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
