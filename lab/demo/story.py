# SPDX-License-Identifier: Apache-2.0
"""The story: five things that happen to a site while a client uses it."""
import contextlib, subprocess, sys, time

from cluster import Cluster
from lab import LabError
from record import Record
from sides import CONFIG, HERE

VIP = '10.77.0.100'
DIRECTORS = ['d1', 'd2']
REALS = {'rs1': '10.77.2.21', 'rs2': '10.77.2.22', 'rs3': '10.77.2.23'}
CUT_SECONDS = 15


class Story:
    """Plays the phases on one side and keeps what they gave."""

    def __init__(self, lab, side, log, folder):
        self.lab, self.side, self.log, self.folder = lab, side, log, folder
        self.phases, self.events, self.problems = [], [], []
        self.running, self.macs = [], {}
        self.record = self.client = None
        self.begin = self.end = 0.0                          # what the picture shows, by time.monotonic()

    # Waiting ------------------------------------------------------------------------------------------------------

    def wait(self, what, condition, seconds, pause=0.1, must=False):
        """Until the condition holds; returns whether it does."""
        limit = time.monotonic() + seconds
        while True:
            if self.record:
                self.record.read()
            if self.client and self.client.poll() is not None:
                raise LabError('the client ended before the story did: see the end of demo.log')
            if condition():
                return True
            if time.monotonic() > limit:
                if must:
                    raise LabError(f'{what}: not after {seconds} s')
                self.problem(f'{what}: not after {seconds} s')
                return False
            if self.record:
                self.record.read()                       # the condition itself may have taken seconds
            self.log.progress(f'{what} ({self.state()})')
            time.sleep(pause)

    def state(self):
        if not self.record:
            return self.side.label
        now = time.monotonic()
        good = sum(r.answered is not None for r in self.record.requests[-200:] if now - 1.2 <= r.sent < now - 0.2)
        transfer = self.record.transfer()
        return (f'{good}/s answered, VIP on {self.holder() or "nobody yet"}'
                + (f', transfer at {transfer[1] // 1024} KiB' if transfer else ''))

    def problem(self, text):
        self.problems.append(text)
        self.log.say(f'  NOT AS IT SHOULD BE: {text}')

    def event(self, text, short=None, when=None):
        self.events.append({'time': when or time.monotonic(), 'text': short or text})
        self.log.say(text)

    def holder(self):
        return self.macs.get(self.record.holder())

    def other(self, node):
        return DIRECTORS[1 - DIRECTORS.index(node)]

    def show_cluster(self, node):
        out = self.lab.execute(node, 'crm_mon', '-1', '-A', '-r', check=False)
        self.log.detail(f'--- crm_mon -1 on {node}\n{out}---')

    def table(self, node):
        """Destinations of the web service in the kernel of a director: address -> weight."""
        out, weights, mine = self.lab.execute(node, 'ipvsadm', '-Ln'), {}, False
        for line in out.splitlines():
            f = line.split()
            if f[:1] == ['TCP']:
                mine = f[1] == f'{VIP}:80'
            elif mine and f[:1] == ['->'] and f[1][0].isdigit():
                weights[f[1].split(':')[0]] = int(f[3])
        return weights

    def show_table(self, node):
        weights = self.table(node)
        names = {ip: name for name, ip in REALS.items()}
        self.log.say(f'  IPVS on {node}: ' + (', '.join(f'{names.get(a, a)} weight {w}' for a, w in weights.items()) or 'empty'))
        return weights

    # Beginning ----------------------------------------------------------------------------------------------------

    def start(self):
        lab, side, log = self.lab, self.side, self.log
        log.say(f'{side.label}: two directors, three real servers, one client ({side.agents})')
        lab.up('--kind', 'directors', '--directors', '2', '--real', '3', '--forwarding', 'nat', *side.lab_options)
        lab.run('wait')
        log.say('  cluster formed')
        for node in DIRECTORS:
            side.prepare(lab, node)
            self.macs[lab.execute(node, 'cat', '/sys/class/net/eth0/address').strip()] = node
        for file in side.crm:
            out = lab.execute('d1', 'crm', 'configure', 'load', 'update', file)
            log.say(f'  loaded {file.rsplit("/", 1)[1]}' + (f': {out.strip()}' if 'ERROR' in out else ''))
        if complaints := lab.execute('d1', 'crm_verify', '-LV', check=False).strip():
            self.problem(f'crm_verify: {complaints}')
        path = f'{self.folder}/requests-{side.key}.log'
        open(path, 'w').close()
        asked = time.monotonic()
        self.client = lab.start('client', sys.executable, '-I', f'{HERE}/client.py', VIP, path)
        self.running.append(self.client)
        self.record = Record(path)
        self.wait('until the VIP serves', lambda: self.record.steady(asked, time.monotonic()), 120, must=True)
        for node in DIRECTORS:
            side.joined(lab, node)
        self.wait('until every part runs on both directors', lambda: self.complete('d1'), 60, 1.0)
        self.wait('until all three serve', lambda: len(self.record.servers(time.monotonic() - 1, time.monotonic())) == 3, 30)
        self.reopen()
        self.show_table(self.holder())
        self.show_cluster('d1')
        self.begin = time.monotonic() - 1
        log.say(f'  the VIP {VIP} serves on {self.holder()}; transfer 1 flows from {self.transfer_source()}')

    def complete(self, node, score=True):
        """Whether both directors are online and run all that runs everywhere, and both links are found good."""
        cluster = Cluster(self.lab, node)
        return (cluster.online() == set(DIRECTORS) and all(cluster.running(c) == set(DIRECTORS) for c in self.side.clones)
                and len(cluster.running('p-vip')) == 1
                and (not self.side.link_watched or all(cluster.attribute(n, 'hb-score') == '1000' for n in DIRECTORS)))

    def idle(self, node):
        cluster = Cluster(self.lab, node)
        return not any(node in cluster.running(c) for c in self.side.clones)

    # The long transfer --------------------------------------------------------------------------------------------

    def reopen(self):
        """A new transfer, if there is none that lives."""
        was = self.record.read().transfer()
        self.client.stdin.write('reopen\n')
        self.client.stdin.flush()
        number = (was[0] if was else 0) + 1
        if self.wait(f'for transfer {number}', lambda: (t := self.record.transfer()) and t[0] >= number, 10) and was:
            self.log.say(f'  transfer {number} opened, since the last one was over')

    def transfer_lives(self, number):
        return number and number not in self.record.read().ended and self.record.received(number, time.monotonic() - 1, time.monotonic()) > 0

    def transfer_source(self):
        """The real server it comes from, as the active director's connection table has it."""
        port = self.record.opened[self.record.transfer()[0]][1]
        for line in self.lab.execute(self.holder(), 'ipvsadm', '-Lnc').splitlines():
            f = line.split()
            if len(f) > 5 and f[3].endswith(f':{port}'):
                return next((name for name, ip in REALS.items() if f[5].startswith(f'{ip}:')), f[5])
        return None

    # Phases -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def phase(self, number, name):
        if not self.transfer_lives((self.record.transfer() or [0])[0]):
            self.reopen()
        self.log.say()
        self.log.say(f'{self.side.label} {number}. {name}')
        phase = {'number': number, 'name': name, 'begin': time.monotonic(), 'transfer': self.record.transfer()[0], 'ok': True}
        before = len(self.problems)
        yield phase
        number = phase['transfer']
        survived = self.wait('for the transfer', lambda: self.transfer_lives(number) or number in self.record.ended, 15)
        phase['survived'] = bool(survived and self.transfer_lives(number))
        self.wait('for a quiet second', lambda: self.record.steady(phase['begin'], time.monotonic()), 20)
        time.sleep(0.3)
        self.finish(phase)
        phase['ok'] = len(self.problems) == before
        self.phases.append(phase)

    def finish(self, phase):
        """The figures of a phase, from the client's record."""
        begin, end = phase['begin'], time.monotonic() - 0.3
        record = self.record.read()
        phase['end'] = end
        phase['gap'], phase['gap_begin'] = record.gap(begin, end)
        phase['lost'] = record.lost(begin, end)
        phase['answered'] = sum(record.servers(begin, end).values())
        phase['both'] = len(record.both(begin, end))
        phase['transfer_pause'] = record.longest_pause(phase['transfer'], begin, end)
        over = record.ended.get(phase['transfer'])
        if not phase['survived']:
            self.problem(f'transfer {phase["transfer"]} did not survive' + (f': {over[1]}' if over else ''))
        if phase['both']:
            self.problem(f'{phase["both"]} questions for the VIP were answered by both directors')
        self.log.say(f'  no answer for {phase["gap"]:.2f} s, {phase["lost"]} of {phase["lost"] + phase["answered"]} requests lost, transfer '
                     + ('survived' if phase['survived'] else 'DIED') + f' (longest pause {phase["transfer_pause"]:.2f} s)')

    def moved(self, phase, node, seconds, key='moved'):
        """Waits until the VIP is on `node` and serves steadily."""
        begin = time.monotonic()
        if self.wait(f'until {node} serves', lambda: self.holder() == node and self.record.steady(begin, time.monotonic()), seconds):
            gap, at = self.record.gap(begin, time.monotonic() - 0.1)
            self.event(f'  {node} serves; {gap:.2f} s without an answer', f'{node} serves', at + gap)

    def real_server(self):
        with self.phase(1, 'a real server dies and comes back') as phase:
            victim = next(r for r in reversed(REALS) if r != self.transfer_source())
            active = self.holder()
            self.lab.run('kill', victim)
            died = time.monotonic()
            self.event(f'  {victim} is dead', f'{victim} dies')
            if self.wait(f'until {victim} leaves the table', lambda: self.table(active).get(REALS[victim], 0) == 0, 15, 0.2):
                phase['left_after'] = time.monotonic() - died
                self.event(f'  out of the table after {phase["left_after"]:.1f} s', f'{victim} out')
            self.show_table(active)
            self.lab.run('boot', victim)
            back = time.monotonic()
            self.event(f'  {victim} is back', f'{victim} back')
            if self.wait(f'until {victim} returns to the table', lambda: self.table(active).get(REALS[victim], 0) > 0, 15, 0.2):
                phase['returned_after'] = time.monotonic() - back
                self.event(f'  in the table again after {phase["returned_after"]:.1f} s', f'{victim} in')
            self.show_table(active)
            self.wait('until all three serve', lambda: len(self.record.servers(time.monotonic() - 1, time.monotonic())) == 3, 10)

    def edit(self):
        with self.phase(2, f'{CONFIG} is edited on the active director') as phase:
            active = self.holder()
            peer = self.other(active)
            old, new = f'real={REALS["rs1"]}:80 masq 1', f'real={REALS["rs1"]}:80 masq 3'
            self.lab.execute(active, 'sed', '-i', f's/{old}/{new}/', CONFIG)
            edited = time.monotonic()
            self.event(f'  rs1 gets weight 3 in the file on {active}', 'edit: rs1 weight 3')
            rs1 = REALS['rs1']
            if self.wait('until the kernel has it', lambda: self.table(active).get(rs1) == 3, 15, 0.2):
                phase['applied_after'] = time.monotonic() - edited
                self.log.say(f'  in the kernel of {active} after {phase["applied_after"]:.1f} s')
            if self.wait('until the peer has the file', lambda: self.digest(active) == self.digest(peer), 20, 0.2):
                phase['copied_after'] = time.monotonic() - edited
                self.event(f'  equal files on {active} and {peer} after {phase["copied_after"]:.1f} s', 'copied')
            if self.wait('until the peer has read it', lambda: self.table(peer).get(rs1) == 3, 15, 0.2):
                phase['peer_applied_after'] = time.monotonic() - edited
                self.log.say(f'  in the kernel of {peer} after {phase["peer_applied_after"]:.1f} s')
            self.show_table(active)
            self.show_table(peer)

    def digest(self, node):
        return self.lab.execute(node, 'sha256sum', CONFIG)

    def standby(self):
        with self.phase(3, 'planned switch, and back') as phase:
            first = self.holder()
            phase['gaps'] = []
            for node in first, self.other(first):
                begin = time.monotonic()
                self.event(f'  crm node standby {node}', f'standby {node}')
                self.lab.execute(node, 'crm', 'node', 'standby', node)
                self.moved(phase, self.other(node), 60)
                phase['gaps'].append(self.record.gap(begin, time.monotonic() - 0.1)[0])
                self.wait(f'until {node} has stopped everything', lambda: self.idle(node), 60, 0.5)
                self.show_cluster(node)
                self.lab.execute(self.other(node), 'crm', 'node', 'online', node)
                self.event(f'  crm node online {node}', f'online {node}')
                self.rejoined(node)
            if self.holder() != first:
                self.problem(f'the service did not come back to {first}')

    def rejoined(self, node):
        """Until a director is a full member again and has learned the transfer's connection from the other one."""
        self.wait(f'until {node} is complete again', lambda: self.complete(self.other(node)), 60, 1.0)
        begin, port = time.monotonic(), self.record.opened[self.record.transfer()[0]][1]
        if self.wait(f'until {node} knows the transfer', lambda: f':{port} ' in self.lab.execute(node, 'ipvsadm', '-Lnc'), 30, 0.5):
            waited = time.monotonic() - begin
            self.log.say(f'  {node} knows the connection of the transfer' + (f' ({waited:.0f} s later)' if waited > 1 else ''))

    def plug(self):
        with self.phase(4, 'the active director loses power') as phase:
            victim = self.holder()
            self.event(f'  {victim}: power off', f'{victim} power off')
            self.lab.run('kill', victim)
            self.moved(phase, self.other(victim), 60)
            self.show_cluster(self.other(victim))
            phase['recovered'] = time.monotonic()
            self.lab.run('boot', victim)
            self.event(f'  {victim}: power on', f'{victim} power on')
            self.side.prepare(self.lab, victim)
            self.wait(f'until {victim} is in the cluster', lambda: victim in Cluster(self.lab, self.other(victim)).online(), 60, 1.0)
            self.wait(f'until {victim} runs its parts', lambda: all(
                victim in Cluster(self.lab, self.other(victim)).running(c) for c in self.side.clones), 40, 1.0)
            self.side.joined(self.lab, victim)
            self.rejoined(victim)
            self.event(f'  {victim} is back as the standby', f'{victim} rejoined')
            self.show_cluster(victim)
            if self.holder() == victim:
                self.problem(f'the service went back to {victim} by itself')

    def link(self):
        with self.phase(5, "the active director's public link is cut, silently") as phase:
            # A heartbeat that has just started accuses nobody for 15 s; it matters when only this phase is played.
            self.wait('until the heartbeats have settled', lambda: time.monotonic() - self.begin > 15, 20)
            victim = self.holder()
            self.event(f'  {victim}: public link cut at the switch, crossover alive', f'{victim} link cut')
            self.lab.run('cut', victim, 'public', 'silent')
            cut = time.monotonic()
            if self.side.link_watched:
                self.moved(phase, self.other(victim), CUT_SECONDS)
            while time.monotonic() < cut + CUT_SECONDS:
                self.record.read()
                self.log.progress(f'the link stays cut for {CUT_SECONDS} s ({self.state()})')
                time.sleep(0.2)
            phase['moved'] = self.holder() != victim
            phase['recovered'] = time.monotonic()
            self.show_cluster(victim)
            self.lab.run('mend', victim, 'public')
            self.event(f'  {victim}: public link mended' + ('' if phase['moved'] else f'; nothing had moved in {CUT_SECONDS} s'),
                       'link mended')
            phase['mended'] = time.monotonic()
            self.wait('until it serves', lambda: self.record.steady(phase['mended'], time.monotonic()), 30)
            if self.side.link_watched:
                self.rejoined(victim)
                if self.holder() == victim:
                    self.problem(f'the service went back to {victim} by itself')

    # All of it ----------------------------------------------------------------------------------------------------

    def play(self, phases):
        self.start()
        for number in phases:
            [self.real_server, self.edit, self.standby, self.plug, self.link][number - 1]()
        self.show_cluster('d1')

    def autopsy(self):
        """What can be seen of a site on which the story broke off, for demo.log."""
        for command in (['status'], *(['exec', n, *c] for n in DIRECTORS for c in (['crm_mon', '-1', '-A', '-r'], ['ipvsadm', '-Ln'],
                                                                             ['ip', '-br', 'address']))):
            with contextlib.suppress(LabError):
                self.lab.run(*command, check=False, timeout=30)

    def keep_logs(self):
        """The directors' own logs (Corosync, Pacemaker, ldirectord, ..), for whoever wants to know why."""
        for node in DIRECTORS if self.lab.up_called else ():
            with open(f'{self.folder}/{self.side.key}-{node}.log', 'w') as file:
                self.lab.into(file, 'logs', node)

    def stop(self):
        """Ends the client and whatever else the story started; may be called at any time."""
        self.end = time.monotonic()
        for child in self.running:
            with contextlib.suppress(OSError):
                child.stdin.close()
        for child in self.running:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.running.clear()
