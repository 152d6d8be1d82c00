# SPDX-License-Identifier: Apache-2.0
"""The lab tool, as the demo drives it."""
import os, signal, subprocess, time


class LabError(Exception):
    """A lab command that failed where it must not; one line that says what and why."""


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM: not an error of the story, and nothing but cleaning up comes after it."""


def raise_interrupted(number, _frame):
    raise Interrupted(signal.Signals(number).name)


class Lab:
    """Runs `lab/lab`; every command and its output goes to `log`."""

    def __init__(self, tool, log):
        self.tool, self.log, self.up_called = tool, log, False
        # A folder of its own: a lab that somebody has up stays as it is.
        self.environment = {'LAB_STATE': '/run/vervet-demo', **os.environ}

    def run(self, *words, stdin='', check=True, timeout=180):
        """One lab command; a session of its own, so that Ctrl-C reaches it only through us and it can clean up."""
        shown = ' '.join(words)
        started = time.monotonic()
        child = subprocess.Popen([self.tool, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, errors='replace', start_new_session=True, env=self.environment)
        try:
            out, _ = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end(child)
            raise LabError(f'lab {shown}: no end after {timeout} s') from None
        except BaseException:
            self.end(child)
            raise
        self.log.detail(f'$ lab {shown}   # status {child.returncode}, {time.monotonic() - started:.2f} s\n{out}')
        if check and child.returncode:
            raise LabError(f'lab {shown}: status {child.returncode}: {out.strip()[-600:]}')
        return child.returncode, out

    def into(self, file, *words):
        """A lab command whose output goes to a file."""
        subprocess.run([self.tool, *words], stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                       start_new_session=True, env=self.environment, timeout=60, check=False)

    @staticmethod
    def end(child):
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def up(self, *options):
        self.up_called = True
        self.run('up', *options)

    def down(self):
        if self.up_called:
            self.run('down', check=False)
            self.up_called = False

    def execute(self, node, *command, stdin='', check=True, timeout=60):
        """Standard output and error of a command on a node."""
        return self.run('exec', node, *command, stdin=stdin, check=check, timeout=timeout)[1]

    def succeeds(self, node, *command, timeout=60):
        return self.run('exec', node, *command, check=False, timeout=timeout)[0] == 0

    def start(self, node, *command):
        """A program that stays; it ends when its standard input is closed."""
        self.log.detail(f'$ lab exec {node} {" ".join(command)} &\n')
        return subprocess.Popen([self.tool, 'exec', node, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=self.log.file, text=True, start_new_session=True, env=self.environment)

    def write(self, node, path, text, mode='644'):
        folder = os.path.dirname(path)
        self.execute(node, 'sh', '-c', f'mkdir -p "{folder}" && cat >"{path}" && chmod {mode} "{path}"', stdin=text)
