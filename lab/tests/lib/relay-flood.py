# SPDX-License-Identifier: Apache-2.0
"""relay-flood.py RATE SECONDS - what a kernel's master daemon sends, in full datagrams of 40 connections, RATE of them a second on lvs-tx."""
import socket, struct, sys, time
rate, seconds = int(sys.argv[1]), float(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('169.254.86.1'))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
vip, real = socket.inet_aton('10.77.0.100'), socket.inet_aton('10.77.0.21')
datagrams = []
for first in range(0, 40 * 2500, 40):
    body = b''.join(struct.pack('!BBHIHHHHII4s4s4s', 0, 6, 36, 0x83, 1, 1 + n % 60000, 80, 80, 0, 900, struct.pack('!I', 0x0a600000 + n // 60000), vip, real)
                    for n in range(first, first + 40))
    datagrams.append(struct.pack('!BBHBBH', 0, 7, 8 + len(body), 40, 1, 0) + body)
begin, sent = time.monotonic(), 0
while (age := time.monotonic() - begin) < seconds:
    for _ in range(min(int(age * rate) - sent, 200)):
        s.sendto(datagrams[sent % len(datagrams)], ('224.0.0.81', 8848))
        sent += 1
    time.sleep(0.001)
print(f'{sent} datagrams, {sent / seconds:.0f} a second, {sent * 40 / seconds:.0f} connections a second')
