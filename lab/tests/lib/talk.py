#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""talk.py HOST PORT - a client that holds many long TCP connections, each with a small exchange every second.

Every line sent carries the connection's and the line's number, and the answer must come from the same server, with the server's own
count of lines (talk-server.py): a reset, an end, a silence, a doubled, lost or foreign answer all make a lost connection.

Orders on standard input, one a line; each is answered by one line of JSON. Times are CLOCK_MONOTONIC, in seconds.
  open LABEL COUNT [SECONDS]    opens COUNT connections, at random moments within SECONDS, else one after the other, and answers when
                                all stand; those that do not within 10 seconds, or at `enough`, are none
  enough                        no more are opened; `open` answers, `enough` itself does not
  check SECONDS                 every connection has so long to give one more right answer; those that do not are lost, and closed
  every LABEL SECONDS           the pause between two exchanges of that label's connections, also of those still to come; 0: silence,
                                but for checks
  when TIME                     the last answer of any connection until TIME
  drop LABEL                    closes the connections of that label
  ports                         the local ports of all connections that are not lost
"""
import asyncio
import json
import os
import random
import sys
import time

GIVEUP = 10.0
intervals = {}


class Connection:
    def __init__(self, number, label):
        self.number, self.label = number, label
        self.stands = self.answered = self.asked = 0.0
        self.port = 0
        self.reason = None
        self.wake = asyncio.Event()
        self.task = self.writer = None

    async def open(self, host, port):
        reader, self.writer = await asyncio.open_connection(host, port)
        self.stands = time.monotonic()
        self.port = self.writer.get_extra_info('sockname')[1]
        self.task = asyncio.create_task(self.talk(reader))

    async def talk(self, reader):
        try:
            server, line = None, 0
            while True:
                self.wake.clear()
                line += 1
                words = [str(line), str(self.number), str(line)]
                self.asked = time.monotonic()
                self.writer.write(f'{self.number} {line}\n'.encode())
                answer = await reader.readline()
                now = time.monotonic()
                if not answer.endswith(b'\n'):
                    raise ValueError('end of file')
                name, *rest = answer.decode(errors='replace').split()
                server = server or name
                if name != server or rest != words:
                    raise ValueError(f'wrong answer {answer!r}: expected {server} {" ".join(words)}')
                self.answered = now
                moments.append(now)
                try:
                    pause = intervals.get(self.label, 1.0) * random.uniform(0.9, 1.1)
                    await asyncio.wait_for(self.wake.wait(), pause or None)
                except TimeoutError:
                    pass
        except (OSError, ValueError) as error:
            self.lose(f'{type(error).__name__}: {error}')

    def lose(self, reason):
        if not self.reason:
            self.reason = reason
            self.close()

    def close(self):
        if self.writer:
            self.writer.transport.abort()
        if self.task:
            self.task.cancel()


moments, connections, enough = [], [], asyncio.Event()


def say(**what):
    print(json.dumps(what), flush=True)


async def open_all(host, port, label, count, seconds):
    begin = time.monotonic()
    due = sorted(random.uniform(0, seconds) for _ in range(count)) if seconds else [0.0] * count
    fresh, opening = [], []

    async def one(connection):
        try:
            async with asyncio.timeout(GIVEUP):
                await connection.open(host, port)
        except (OSError, TimeoutError):
            pass

    enough.clear()
    for moment in due:
        pause = begin + moment - time.monotonic()
        if pause > 0:
            try:
                await asyncio.wait_for(enough.wait(), pause)
            except TimeoutError:
                pass
        if enough.is_set():
            break
        connection = Connection(len(connections) + len(fresh) + 1, label)
        fresh.append(connection)
        if seconds:
            opening.append(asyncio.create_task(one(connection)))
        else:
            await one(connection)
    if opening and not enough.is_set():
        await asyncio.wait(opening)
    connections.extend(fresh)
    say(opened=sum(c.stands > 0 for c in fresh), of=count, seconds=round(time.monotonic() - begin, 3))


async def check(seconds):
    begin = time.monotonic()
    stand = [c for c in connections if c.stands]
    for c in stand:
        c.wake.set()
    while time.monotonic() < begin + seconds and any(c.answered < begin and not c.reason for c in stand):
        await asyncio.sleep(0.02)
    slowest = max((c.answered - begin for c in stand if not c.reason and c.answered >= begin), default=0)
    for c in stand:
        if c.answered < begin and not c.reason:
            c.lose(f'silent for {time.monotonic() - c.asked:.1f} s')
    labels = {}
    for c in stand:
        of = labels.setdefault(c.label, {'survived': [], 'lost': []})
        if c.reason:
            of['lost'].append([c.stands, c.reason])
        else:
            of['survived'].append(c.stands)
    say(slowest=round(slowest, 3), labels=labels)


async def main():
    host, port = sys.argv[1], int(sys.argv[2])
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    tasks = set()
    while words := (await orders.readline()).decode().split():
        match words:
            case ['open', label, count, *rest]:
                task = asyncio.create_task(open_all(host, port, label, int(count), float(rest[0]) if rest else 0))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            case ['enough']:
                enough.set()
            case ['check', seconds]:
                await check(float(seconds))
            case ['every', label, pause]:
                intervals[label] = float(pause)
                for c in connections:
                    if c.label == label and float(pause):
                        c.wake.set()
            case ['when', moment]:
                say(answered=max((m for m in moments if m <= float(moment)), default=0))
            case ['drop', label]:
                gone = [c for c in connections if c.label == label]
                for c in gone:
                    c.close()
                    connections.remove(c)
                say(dropped=len(gone))
            case ['ports']:
                say(ports=[c.port for c in connections if c.stands and not c.reason])
            case _:
                say(error=f'what is {" ".join(words)}?')
    os._exit(0)


asyncio.run(main())
