#!/usr/bin/python3 -I
# SPDX-License-Identifier: Apache-2.0
"""client - what a client of the site sees; runs in the client's network until its standard input ends.

usage: client.py VIP LOG     A line of LOG begins with a letter and a time (CLOCK_MONOTONIC, seconds):
  r SENT ANSWERED WHO   a new HTTP request to VIP:80, one every 20 ms; `- error` instead of WHO if it failed or took over 1 s
  t TIME NUMBER BYTES   the long transfer number NUMBER (VIP:80, /stream) has received and verified BYTES so far
  o TIME NUMBER PORT    it was opened, from the client's PORT        x TIME NUMBER WHY   it ended, which it never should
  a TIME MAC...         who answered a question for the VIP's hardware address, one question every 50 ms

A line `reopen` on standard input starts a new transfer if the last one is over or stuck.
"""
import asyncio, os, socket, struct, sys, time

LINE = 16
INTERFACE = 'eth0'


class Client:
    def __init__(self, vip, log):
        self.vip, self.log = vip, log
        self.transfer_number, self.transfer_task = 0, None

    def write(self, kind, *fields):
        self.log.write(' '.join([kind, *(f'{f:.6f}' if isinstance(f, float) else str(f) for f in fields)]) + '\n')

    # New requests ---------------------------------------------------------------------------------------------

    async def request(self):
        sent = time.monotonic()
        try:
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection(self.vip, 80)
                try:
                    writer.write(b'GET / HTTP/1.0\r\nHost: demo\r\n\r\n')
                    head, _, body = (await reader.read()).partition(b'\r\n\r\n')
                finally:
                    writer.close()
            if head.split(b' ')[1:2] != [b'200']:
                raise OSError(f'status {head[:20]!r}')
            who = body.split()[0].decode()
        except (OSError, TimeoutError, IndexError, ValueError) as error:
            who = f'- {type(error).__name__}'
        self.write('r', sent, time.monotonic(), who)

    async def requests(self):
        due, tasks = time.monotonic(), set()
        while True:
            task = asyncio.create_task(self.request())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            due = max(due + 0.02, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    # The long transfer ----------------------------------------------------------------------------------------

    async def transfer(self, number):
        """/stream: lines of 16 bytes, each the offset of its first one; a lost, doubled or foreign byte is an error."""
        writer, done, rest = None, 0, b''
        try:
            reader, writer = await asyncio.open_connection(self.vip, 80)
            writer.write(b'GET /stream HTTP/1.0\r\nHost: demo\r\n\r\n')
            head = await reader.readuntil(b'\r\n\r\n')
            if head.split(b' ')[1:2] != [b'200']:
                raise ValueError(f'status {head[:20]!r}')
            self.write('o', time.monotonic(), number, writer.get_extra_info('sockname')[1])
            while data := await reader.read(65536):
                rest += data
                whole = len(rest) // LINE * LINE
                if rest[:whole] != b''.join(b'%015d\n' % at for at in range(done, done + whole, LINE)):
                    raise ValueError(f'wrong bytes after {done}')
                done, rest = done + whole, rest[whole:]
                self.write('t', time.monotonic(), number, done)
            raise EOFError(f'end after {done} bytes')
        except (OSError, EOFError, ValueError) as error:
            self.write('x', time.monotonic(), number, f'{type(error).__name__}: {error}'.replace('\n', ' '))
        finally:
            if writer:
                writer.close()

    def reopen(self):
        if self.transfer_task:
            self.transfer_task.cancel()
        self.transfer_number += 1
        self.transfer_task = asyncio.create_task(self.transfer(self.transfer_number))

    # Who holds the VIP ------------------------------------------------------------------------------------------

    async def watch(self):
        """ARP probes from a host that does not exist: the answers teach the client's own kernel nothing.

        Each probe has a hardware address of its own, to which the answers come, so that an answer is counted with
        its question however late it is: two answers to one question are two directors with the VIP at once.
        """
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        raw.bind((INTERFACE, 0x0806))
        raw.setblocking(False)
        waiting = {}

        def read():
            try:
                frame = raw.recv(256)
            except BlockingIOError:
                return
            if len(frame) >= 42 and frame[20:22] == b'\0\2' and frame[28:32] == socket.inet_aton(self.vip):
                waiting.get(frame[0:6], (0, set()))[1].add(frame[22:28].hex(':'))

        asyncio.get_running_loop().add_reader(raw, read)
        count = 0
        while True:
            mac = b'\x02\x77\xee\0\0' + bytes([count % 256])
            count += 1
            arp = struct.pack('>HHBBH6s4s6s4s', 1, 0x0800, 6, 4, 1, mac, bytes(4), bytes(6), socket.inet_aton(self.vip))
            try:
                raw.send(b'\xff' * 6 + mac + b'\x08\x06' + arp + bytes(18))
            except OSError:
                pass
            now = time.monotonic()
            waiting[mac] = (now, set())
            for key, (asked, answers) in list(waiting.items()):
                if now - asked >= 0.5:
                    self.write('a', asked, *sorted(answers))
                    del waiting[key]
            await asyncio.sleep(0.05)

    async def run(self):
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        tasks = [asyncio.create_task(self.requests()), asyncio.create_task(self.watch())]
        while line := await commands.readline():
            if line.strip() == b'reopen':
                self.reopen()
        for task in [*tasks, self.transfer_task]:
            if task:
                task.cancel()


if __name__ == '__main__':
    with open(sys.argv[2], 'w', buffering=1) as log:
        asyncio.run(Client(sys.argv[1], log).run())
        log.flush()
    os._exit(0)
