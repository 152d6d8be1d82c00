# SPDX-License-Identifier: Apache-2.0
"""The live timeline on the terminal, and demo.log, which has all of it and every command's output besides."""
import os, sys, time


class Log:
    def __init__(self, path):
        self.file = open(path, 'w', buffering=1)
        self.start, self.load = time.monotonic(), os.getloadavg()[0]
        self.terminal = sys.stdout.isatty()
        self.status_shown, self.status_time = False, 0.0

    def elapsed(self):
        return time.monotonic() - self.start

    def detail(self, text):
        self.file.write(f'[{self.elapsed():7.2f}] {text}' if text.startswith('$') else text)
        if not text.endswith('\n'):
            self.file.write('\n')

    def say(self, text=''):
        """One event, one line."""
        self.clear()
        for line in text.split('\n'):
            line = f'[{self.elapsed():6.1f}] {line}'.rstrip()
            print(line, flush=True)
            self.file.write(line + '\n')

    def plain(self, text=''):
        self.clear()
        print(text, flush=True)
        self.file.write(text + '\n')

    def progress(self, text):
        """While waiting: one line that is overwritten on a terminal, a line each 5 s elsewhere."""
        now = time.monotonic()
        if self.terminal:
            print(f'\r\x1b[K[{self.elapsed():6.1f}]   … {text}', end='', flush=True)
            self.status_shown = True
        elif now - self.status_time >= 5:
            self.say(f'  … {text}')
            self.status_time = now

    def clear(self):
        if self.status_shown:
            print('\r\x1b[K', end='')
            self.status_shown = False
        self.status_time = time.monotonic()
