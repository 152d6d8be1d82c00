# SPDX-License-Identifier: Apache-2.0
"""What the client wrote down, and the figures taken from it."""
from collections import Counter, namedtuple

Request = namedtuple('Request', 'sent answered who')      # answered is None and who the error if it failed
Seen = namedtuple('Seen', 'time macs')                    # one question for the VIP's hardware address
Progress = namedtuple('Progress', 'time number bytes')    # of the long transfer


class Record:
    """The client's log, read as it grows."""

    def __init__(self, path):
        self.file = open(path)
        self.rest = ''
        self.requests, self.seen, self.progress = [], [], []
        self.opened, self.ended = {}, {}                  # transfer number -> (time, client's port), (time, why)

    def read(self):
        *lines, self.rest = (self.rest + self.file.read()).split('\n')
        for line in lines:
            kind, when, *f = line.split(' ')
            when = float(when)
            if kind == 'r':
                good = f[1] != '-'
                self.requests.append(Request(when, float(f[0]) if good else None, f[1] if good else f[2]))
            elif kind == 'a':
                self.seen.append(Seen(when, tuple(f)))
            elif kind == 't':
                self.progress.append(Progress(when, int(f[0]), int(f[1])))
            elif kind == 'o':
                self.opened[int(f[0])] = (when, f[1])
            elif kind == 'x':
                self.ended[int(f[0])] = (when, ' '.join(f[1:]))
        return self

    # Requests ---------------------------------------------------------------------------------------------------

    def window(self, begin, end):
        return sorted(r for r in self.requests if begin <= r.sent < end)

    def gap(self, begin, end):
        """The longest time in which no answer arrived, and when it began.

        Not the time between the sendings of answered requests, which would flatter a planned switch: what comes to the
        old director meanwhile is passed on to the new one and answered late. Reaches back one second, so that a gap that
        begins with the event is measured from the last answer before it. Without an answer it lasts to the end.
        """
        answers = sorted(r.answered for r in self.requests if r.answered and begin - 1 <= r.answered < end)
        points = [*(answers or [begin]), end]
        at = max(range(len(points) - 1), key=lambda i: points[i + 1] - points[i])
        return points[at + 1] - points[at], points[at]

    def lost(self, begin, end):
        return sum(r.answered is None for r in self.window(begin, end))

    def steady(self, begin, now, seconds=1.0):
        """Whether all requests of the last `seconds` that can have been answered by now were, and there were some.

        The client writes a request down when it is over, a failed one up to a second after its sending.
        """
        last = [r for r in self.window(max(begin, now - seconds - 0.1), now) if r.sent < now - 0.1]
        return now - begin >= seconds and len(last) >= 0.7 * 50 * seconds and all(r.answered for r in last)

    def servers(self, begin, end):
        return Counter(r.who for r in self.window(begin, end) if r.answered)

    # The VIP ----------------------------------------------------------------------------------------------------

    def holder(self):
        """Hardware address of the director that answered for the VIP last."""
        return next((s.macs[0] for s in reversed(self.seen) if len(s.macs) == 1), None)

    def both(self, begin, end):
        """The questions that two directors answered."""
        return [s for s in self.seen if begin <= s.time < end and len(s.macs) > 1]

    # The transfer -----------------------------------------------------------------------------------------------

    def transfer(self):
        """(number, bytes, time) of the transfer's latest progress, or None."""
        return (self.progress[-1].number, self.progress[-1].bytes, self.progress[-1].time) if self.progress else None

    def received(self, number, begin, end):
        counts = [p.bytes for p in self.progress if p.number == number and begin <= p.time < end]
        return max(counts, default=0) - min(counts, default=0)

    def longest_pause(self, number, begin, end):
        times = [p.time for p in self.progress if p.number == number and begin - 1 <= p.time < end]
        return max((b - a for a, b in zip(times, times[1:])), default=end - begin)
