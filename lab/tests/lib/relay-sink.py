# SPDX-License-Identifier: Apache-2.0
"""In the place of a kernel's backup daemon: counts the datagrams and connections that a relay injects; writes the sum every second."""
import socket, struct, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lvs-rx')
s.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE: Python is slower than a kernel's thread
s.bind(('224.0.0.81', 8848))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('224.0.0.81') + socket.inet_aton('169.254.86.2'))
s.settimeout(1)
datagrams = records = wrong = 0
told = time.monotonic()
while True:
    try:
        data = s.recv(65536)
        datagrams, records, wrong = datagrams + 1, records + data[4], wrong + (data[1] != 8 or struct.unpack_from('!H', data, 2)[0] != len(data))
    except TimeoutError:
        pass
    if time.monotonic() - told > 1:
        print(f'{datagrams} datagrams {records} connections {wrong} wrong', flush=True)
        told = time.monotonic()
