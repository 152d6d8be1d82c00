#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""relay.py [CASE…] - the relay between directors with real corosync and IPVS; run by guest/relay. Ends with 'N passed, N failed'."""
import collections, json, os, re, signal, socket, statistics, struct, subprocess, sys, threading, time, traceback
from relaysite import VIP, VIP6, Site, await_true, enter

passed = failed = 0


def check(name, good, detail=''):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f'  {"ok   " if good else "FAIL "} {name}{f": {detail}" if detail != "" else ""}', flush=True)
    return good


def known(director, ports, seconds=10):
    """Waits until a director knows these connections; gives those that it does not."""
    wanted = {p if isinstance(p, int) else p[0] for p in ports}
    end = time.monotonic() + seconds
    while (missing := wanted - set(director.table())) and time.monotonic() < end:
        time.sleep(0.05)
    return missing


def settled(director):
    return (director.relay().get('resync') or {}).get('settled', False)


def missing(director):
    return sum(peer['missing'] for peer in director.relay().get('peers', []))


def carried(site, a, b):
    print('a connection opened on one director is known to the other')
    ages, unknown = [], 0
    for _ in range(20):
        [[port, moment]] = site.client.open(1)
        end = time.monotonic() + 5
        while port not in b.table() and time.monotonic() < end:
            time.sleep(0.002)
        if port in b.table():
            ages.append(time.monotonic() - moment)
        else:
            unknown += 1
        time.sleep(0.05)
    check('all 20 arrive', unknown == 0, f'median {statistics.median(ages or [9]):.3f} s, longest {max(ages or [9]):.3f} s after the handshake')
    check('they are told as learned there', {o for _, o in b.table().values()} == {'SYNC'})
    check('nothing comes back', {o for _, o in a.table().values()} == {'LOCAL'})
    check('nothing is lost', missing(b) == 0)
    check('monitor', a.agent('monitor', check=False)[0] == 0 and b.agent('monitor', check=False)[0] == 0)


def moves(site, a, b):
    print('the connections survive a move of the address and the move back, those opened after the first move too')
    a_ports = [p for p, _ in site.client.open(30)]
    known(b, a_ports)
    a.hold_vip(False); b.hold_vip(True)
    alive = site.client.alive(a_ports)
    check('after the move', set(alive) == set(a_ports), f'{len(alive)} of {len(a_ports)}')
    b_ports = [p for p, _ in site.client.open(30)]
    check('those opened on the second director are known to the first', not known(a, b_ports))
    time.sleep(0.5)
    b.hold_vip(False); a.hold_vip(True)
    alive = site.client.alive(a_ports + b_ports)
    check('after the move back', len(alive) == 60, f'{len(alive)} of 60')


def ipv6(site, a, b):
    print('a virtual service of IPv6')
    a.hold_vip(True, VIP6)
    a_ports = [p for p, _ in site.client.open(20, 0.01, VIP6)]
    check('all 20 are known to the other director', len(a_ports) == 20 and not known(b, a_ports), f'{len(set(a_ports) & set(b.table()))} of 20')
    check('as learned there', {b.table()[p][1] for p in a_ports if p in b.table()} == {'SYNC'})
    a.hold_vip(False, VIP6); b.hold_vip(True, VIP6)
    alive = site.client.alive(a_ports)
    check('they survive a move of the address', set(alive) == set(a_ports), f'{len(alive)} of 20')
    b_ports = [p for p, _ in site.client.open(20, 0.01, VIP6)]
    check('those opened there are known here', len(b_ports) == 20 and not known(a, b_ports))
    b.hold_vip(False, VIP6); a.hold_vip(True, VIP6)
    alive = site.client.alive(a_ports + b_ports)
    check('all survive the move back', len(alive) == 40, f'{len(alive)} of 40')
    os.kill(b.relay_pid(), signal.SIGKILL)
    time.sleep(0.3)
    missed = [p for p, _ in site.client.open(20, 0.01, VIP6)]
    known(a, missed)
    check('without the relay of the other director they are unknown to it', len(missed) == 20 and len(known(b, missed, 1)) == 20)
    b.agent('start')
    check('it is told them by a resync', not known(b, missed, 15))
    a.hold_vip(False, VIP6); b.hold_vip(True, VIP6)
    alive = site.client.alive(a_ports + b_ports + missed)
    check('and they go on there', len(alive) == 60, f'{len(alive)} of 60')
    b.hold_vip(False, VIP6); a.hold_vip(True, VIP6)


def links(site, a, b):
    print('one of the two links of the cluster is cut: nothing is lost')
    before = b.relay()['losses']
    # The client is on the public network too, which stays whole for it: only the director B is cut off there.
    for link, name in ((0, 'public'), (1, 'crossover')):
        b.cut(link)
        ports = site.client.open(10, 0.05)
        time.sleep(1.5)
        ports += site.client.open(10, 0.05)
        check(f'{name} cut: all are known', not known(b, ports))
        b.cut(link, False)
        time.sleep(2.5)
    after = b.relay()['losses']
    check('no envelope is missing or bad', missing(b) == 0 and after['envelopes_bad'] == before['envelopes_bad'])


def corosync(site, a, b):
    print('corosync of a director is restarted')
    for how, name in ((signal.SIGTERM, 'stopped'), (signal.SIGKILL, 'killed')):
        b.stop_corosync(how)
        await_true(lambda: b.relay()['joined'] is False, 10, 'the relay notices')
        ports = site.client.open(10)
        check(f'{name}: unknown meanwhile', known(b, ports, 1))
        pid = b.relay_pid()
        b.start_corosync()
        site.await_ring([a, b])
        began = time.monotonic()
        left = known(b, ports, 20)
        check('started: what was missed is told', not left, f'{time.monotonic() - began:.1f} s after the ring formed')
        check('by the same relay', b.relay_pid() == pid)
        ports = site.client.open(5)
        check('new ones arrive again', not known(b, ports))
    check('monitor', b.agent('monitor', check=False)[0] == 0)


def restart(site, a, b):
    print('the relay is killed and started again')
    os.kill(a.relay_pid(), signal.SIGKILL)
    time.sleep(0.3)
    code, text = a.agent('monitor', check=False)
    check('monitor sees it', code == 1 and 'relay' in text, f'{code} {text.strip()[-80:]}')
    ports = site.client.open(10)
    known(a, ports)
    check('unknown meanwhile', known(b, ports, 1))
    a.agent('start')
    left = known(b, ports, 15)
    check('what was opened meanwhile is told', not left, f'{len(ports) - len(left)} of {len(ports)}')
    check('monitor', a.agent('monitor', check=False)[0] == 0)
    os.kill(b.relay_pid(), signal.SIGKILL)
    time.sleep(0.3)
    ports = site.client.open(10)
    known(a, ports)
    b.agent('start')
    check('and when it was the other one', not known(b, ports, 15))


def late(site, a, b, c):
    print('a director that comes late is told everything')
    ports = site.client.open(200)
    known(b, ports)
    total = set(a.table()) - {60001}        # that of the forger may still be known
    c.start_corosync()
    site.await_ring([a, b, c])
    c.agent('start')
    began = time.monotonic()
    left = known(c, total, 20)
    check('all of them', not left, f'{len(total) - len(left)} of {len(total)} in {time.monotonic() - began:.2f} s after start')
    await_true(lambda: settled(c), 10, 'the resync settles')
    last = c.relay()['resync']['last']
    check('by one snapshot', last['complete'] and last['missing_parts'] == 0, str(last))
    a.hold_vip(False); c.hold_vip(True)
    alive = site.client.alive(sorted(total))
    check('and they go on there', len(alive) == len(total), f'{len(alive)} of {len(total)}')
    c.hold_vip(False); a.hold_vip(True)
    ports = site.client.open(10)
    check('new connections arrive at both others', not known(b, ports) and not known(c, ports))
    c.agent('stop')
    check('stop leaves nothing', c.x('sh', '-c', 'ls /run/vervet; ip -br link | grep lvs-; ipvsadm -L --daemon', check=False)[1].split() == [])
    c.stop_corosync()


def record(port, syncid=7):
    """A kernel's datagram with one connection of a client that does not exist."""
    addresses = socket.inet_aton('10.77.0.250') + socket.inet_aton(VIP) + socket.inet_aton('10.77.0.21')
    body = struct.pack('!BBHIHHHHII', 0, 6, 36, 0x83, 1, port, 80, 80, 0, 900) + addresses
    return struct.pack('!BBHBBH', 0, syncid, 8 + len(body), 1, 1, 0) + body


def forged(site, a, b):
    print('a forged multicast datagram on the public network')
    forge = lambda syncid: subprocess.run(['ip', 'netns', 'exec', 'client', sys.executable, '-c', f'''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.77.0.200"))
for port in (60001, 60002): s.sendto({record(60001, syncid)!r}, ("224.0.0.81", 8848))
'''], check=True)
    before = len(b.table())
    for syncid in (7, 8):
        forge(syncid)
    time.sleep(1)
    check('is not taken with the relay', 60001 not in b.table() and len(b.table()) == before)
    b.agent('stop')
    code, text = b.agent('start', check=False, transport='multicast', interface='eth0')
    forge(7)
    check("is taken by the kernel's own daemon", not known(b, [60001], 3))
    b.agent('stop', transport='multicast', interface='eth0')
    b.agent('start')
    await_true(lambda: settled(b), 15, 'the resync settles')


def echo(site, a, b):
    print('a wrong set-up: the backup listens where the master sends')
    before = a.relay()['losses']['echoes']
    process = a.spawn(sys.executable, '-c', f'''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("169.254.86.1"))
s.sendto({record(60003, 8)!r}, ("224.0.0.81", 8848))''')
    process.wait()
    time.sleep(0.5)
    check('what we injected ourselves is not forwarded, and counted', 60003 not in b.table() and a.relay()['losses']['echoes'] == before + 1)


def observe(site, a, b):
    print("the kernel's own datagrams are counted, without a relay")
    plain = dict(transport='multicast', interface='eth1')
    for d in (a, b):
        d.agent('stop'); d.agent('start', **plain)

    def watched():
        """What both see of 20 new connections, as JSON."""
        running = [d.spawn(f'{site.stage}/usr/sbin/syncrelay', 'observe', 'eth1', '--seconds', '7', '--json', stdout=subprocess.PIPE) for d in (a, b)]
        time.sleep(1.5)
        site.client.open(20, 0.01)
        return [json.loads(r.communicate(timeout=30)[0]) for r in running]

    def flow(seen):
        return next((f for f in seen['senders'] if f['address'] == '10.77.1.11'), dict(records=0, datagrams=0))

    time.sleep(5)       # until the process that hurries connections along has nothing to do
    there, here = watched()
    sent, got = flow(there), flow(here)
    check('what one sent the other received', sent['local'] and not got['local'] and got['records'] == sent['records'] >= 20 and got['syncids'] == [7],
          f'{sent["records"]} connections in {sent["datagrams"]} datagrams, {got["records"]} in {got["datagrams"]}')
    check('nothing was missed or not understood', here['missed'] == here['kernel_drops'] == got['malformed'] == 0)
    b.cut(1)
    there, here = watched()
    check('a loss is seen', flow(there)['records'] >= 20 and flow(here)['records'] == 0)
    b.cut(1, False)
    code, text = a.x(f'{site.stage}/usr/sbin/syncrelay', 'observe', 'eth9', '--seconds', '1', check=False)
    check('without the interface it says so', code == 1 and 'eth9' in text, text.strip())
    for d in (a, b):
        d.agent('stop', **plain); d.agent('start')
    await_true(lambda: a.relay().get('joined') and b.relay().get('joined') and settled(b), 20, 'the relays are back')


def services(site, a, b):
    print('only chosen services: relay_args=--only')
    b.agent('stop'); b.agent('start', relay_args=f'--only 10.77.0.99,[{VIP6}]:80')
    await_true(lambda: b.relay().get('joined') and settled(b), 15, 'the relay is there')
    before = set(b.table())
    ports = [p for p, _ in site.client.open(10, 0.02)]
    end = time.monotonic() + 10
    while b.relay()['unwanted'] < 10 and time.monotonic() < end:
        time.sleep(0.1)
    check('others are left out, and counted', b.relay()['unwanted'] >= 10 and not (set(b.table()) - before) & set(ports), b.relay()['unwanted'])
    held = VIP6 in a.x('ip', '-6', 'addr', 'show', 'dev', 'eth0')
    if not held:
        a.hold_vip(True, VIP6)
    ports6 = [p for p, _ in site.client.open(10, 0.02, VIP6)]
    check('those that are named arrive', len(ports6) == 10 and not known(b, ports6))
    if not held:
        a.hold_vip(False, VIP6)
    b.agent('stop'); b.agent('start')
    await_true(lambda: b.relay().get('joined') and settled(b), 15, 'the relay is back')
    check('without it everything is told', not known(b, ports))


def udp(site, a, b):
    print('transport=udp')
    for d in (a, b):
        d.agent('stop'); d.agent('start', transport='udp')
    await_true(lambda: a.relay()['joined'] and b.relay()['joined'] and settled(b), 15, 'both are there')
    ports = site.client.open(50, 0.01)
    check('all arrive', not known(b, ports))
    # What was sent in the moment in which b began to listen is missing for good; its snapshot told it.
    at_start = b.relay()['peers'][0]['missing']
    check('hardly any was missed at the start', at_start <= 5, f'{at_start} missing')
    b.cut(0)
    ports = site.client.open(10, 0.02)
    check('with the public link cut', not known(b, ports))
    b.cut(0, False)
    time.sleep(3)       # the neighbour's address on a link that was dead is asked for again before it carries anything
    b.cut(1)
    ports = site.client.open(10, 0.02)
    check('with the crossover cut', not known(b, ports))
    b.cut(1, False)
    peer = b.relay()['peers'][0]
    check('none is missing since, the second copies are dropped', peer['missing'] <= at_start and peer['repeated'] > 0,
          f'{peer["envelopes"]} envelopes, {peer["missing"]} missing, {at_start} of them at the start, {peer["repeated"]} repeated')
    bad = b.relay()['losses']['envelopes_bad']
    forger = a.spawn(sys.executable, '-c', '''
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(10): s.sendto(b"VRVS" + bytes(200), ("10.77.0.12", 8890))''')
    forger.wait()
    time.sleep(0.3)
    check('what is not authentic is refused', b.relay()['losses']['envelopes_bad'] == bad + 10)
    for d in (a, b):
        d.agent('stop', transport='udp'); d.agent('start')
    await_true(lambda: settled(b), 15, 'the resync settles')


def monitors(site, a, b):
    count = int(os.environ.get('MONITORS', '200'))
    print(f'{count} monitors leave nothing behind')

    def used():
        """Descriptors, by what is behind them, and memory in KiB of the relay and of the process that hurries connections along."""
        found = {}
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                name = open(f'/proc/{pid}/comm').read().strip()
                if name not in ('syncrelay', 'sync-nudge') or os.readlink(f'/proc/{pid}/ns/net') != os.readlink(f'/proc/{a.pid}/ns/net'):
                    continue
                status = open(f'/proc/{pid}/status').read()
                found[name] = (int(pid), descriptors(pid), int(status.split('VmRSS:')[1].split()[0]))
            except OSError:
                continue
        return found

    def descriptors(pid):
        found = {}
        for number in os.listdir(f'/proc/{pid}/fd'):
            try:
                found[number] = os.readlink(f'/proc/{pid}/fd/{number}')
            except FileNotFoundError:
                continue                    # just closed
        return found

    def at_rest():
        """The same when the last one who asked has gone, and no table is being read: nothing changes for a second."""
        for _ in range(60):
            now = used()
            time.sleep(1)
            again = used()
            if all(now[name][1] == again.get(name, (0, {}, 0))[1] for name in now):
                return again
        return again

    def left():
        """Files, and processes by their names: not those of the kernel, which come and go."""
        files = a.x('sh', '-c', 'ls -d /run/* /run/lock/* /run/resource-agents/* /run/vervet/* /dev/shm/* | grep -v /qb-').split()
        running = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                os.readlink(f'/proc/{pid}/exe')
                running.append(open(f'/proc/{pid}/comm').read().strip())
            except OSError:
                continue
        return collections.Counter(files + running)

    loop = f'i=0; while [ $i -lt $0 ]; do {site.stage}/usr/lib/ocf/resource.d/vervet/syncd monitor || exit; i=$((i + 1)); done'
    run = lambda n: a.x('sh', '-c', loop, str(n), check=False, env=a.agent_environment())
    run(20)
    before, files = at_rest(), left()
    passing, over = {}, threading.Event()

    def watch():
        """What is open for a moment only."""
        while not over.wait(0.05):
            for name, (_, open_files, _) in used().items():
                for number, target in open_files.items():
                    if target != before[name][1].get(number):
                        passing.setdefault((name, re.sub(r'\d+', 'N', target)), set()).add(number)

    watcher = threading.Thread(target=watch)
    if count <= 1000:
        watcher.start()
    began = time.monotonic()
    code, text = run(count)
    took = time.monotonic() - began
    over.set()
    if watcher.ident:
        watcher.join()
        for (name, what), numbers in sorted(passing.items()):
            print(f'        open for a moment in {name}: {what}, at most {len(numbers)} places')
    after = at_rest()
    check('all say that all is well', code == 0, f'{took * 1000 / count:.1f} ms each' if code == 0 else text[-300:])
    new = left()
    check('no file, no process', new == files, dict((new - files) + (files - new)) or '')
    for name in ('syncrelay', 'sync-nudge'):
        (pid, open_files, memory), now = before[name], after.get(name, (0, {}, 0))
        changed = sorted(set(open_files.items()) ^ set(now[1].items()))
        check(f'{name} is the same process with the same descriptors and memory', now[0] == pid and not changed and now[2] <= memory + 512,
              f'{len(open_files)} and {len(now[1])} descriptors{f" {changed}" if changed else ""}, {memory} and {now[2]} KiB')


def bound(director):
    """How many connections the kernel counts at the real server: reading its table would take it long."""
    return sum(int(n) for n in re.findall(r'-> 10\.77\.0\.21:80 +Route +\d+ +(\d+) ', director.x('ipvsadm', '-Ln', '-t', f'{VIP}:80')))


AS_MASTER, AS_BACKUP = ('169.254.86.1', 7), ('169.254.86.2', 8)


def fill(director, count, network, ways):
    """Established connections, as if its kernel had sent (AS_MASTER) or learned (AS_BACKUP) them, no faster than it takes them."""
    director.spawn(sys.executable, '-c', f'''
import socket, struct, time
ways = []
for address, syncid in {ways!r}:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    ways.append((s, syncid))
ends = struct.pack("!HHII", 80, 80, 0, 900)
to = socket.inet_aton("{VIP}") + socket.inet_aton("10.77.0.21")
for first in range(0, {count}, 40):
    body = b"".join(struct.pack("!BBHIHH", 0, 6, 36, 3, 1, 1024 + n % 60000) + ends + struct.pack("!I", ({network} << 24) + n // 60000) + to
                    for n in range(first, first + 40))
    for s, syncid in ways:
        s.sendto(struct.pack("!BBHBBH", 0, syncid, 8 + len(body), 40, 1, 0) + body, ("224.0.0.81", 8848))
    if first % 400 == 0: time.sleep(0.01 * len(ways))
''').wait()


def processor():
    """Seconds of processor time by the names of processes, in this kernel."""
    spent = collections.Counter()
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            name, rest = open(f'/proc/{pid}/stat').read().split(' (')[1].rsplit(') ', 1)
        except OSError:
            continue
        spent[name.split(':')[0]] += sum(map(int, rest.split()[11:13])) / os.sysconf('SC_CLK_TCK')
    return spent


def newcomer(site, a, b, c, limit):
    """A director that comes to two others with many connections."""
    total, tokens = bound(a), len(re.findall('A processor failed', a.log()))
    c.start_corosync()
    site.await_ring([a, b, c])
    c.agent('start')
    began, spent = time.monotonic(), processor()
    while bound(c) < total * 99 // 100 and time.monotonic() < began + 120:
        time.sleep(0.1)
    took, found, spent = time.monotonic() - began, bound(c), processor() - spent
    check('99 % of them are known', found >= total * 99 // 100 and took < limit, f'{found} of {total} {took:.2f} s after its start')
    print('        processor:', ', '.join(f'{name} {time:.2f} s' for name, time in spent.most_common(5)))
    await_true(lambda: settled(c), 60, 'the resync settles')
    last, found = c.relay()['resync']['last'], bound(c)
    check('all of them in the end', found == total, f'{found} of {total}; {last}')
    site.client.open(10)
    end = time.monotonic() + 10
    while bound(c) < found + 10 and time.monotonic() < end:
        time.sleep(0.1)
    check('new connections arrive meanwhile as ever', bound(c) == found + 10)
    check('nobody lost the token', len(re.findall('A processor failed', a.log())) == tokens)
    c.agent('stop')
    c.stop_corosync()


def many(site, a, b, c, count=25_000):
    print(f"{count} connections that only the kernel's table tells, for a director that comes late")
    before = bound(a)
    fill(a, count, 11, [AS_BACKUP])
    await_true(lambda: bound(a) >= before + count * 99 // 100, 60, 'the first director knows them')
    newcomer(site, a, b, c, 120)


def seen(site, a, b, c):
    count = int(os.environ.get('CONNECTIONS', '25000'))
    print(f'{count} more that the relays have seen, for a director that comes late')
    c = site.renew(c)
    before = bound(b)
    fill(a, count, 12, [AS_MASTER, AS_BACKUP])
    told = a.relay()['told']['from_memory']
    await_true(lambda: bound(b) >= before + count, 60, 'the other director knows them')
    # By the clock only in the long run: machines that run all tests may be ten times slower.
    newcomer(site, a, b, c, count / 100_000 * 5 if count >= 100_000 else 60)
    check("without a reading of the kernel's table", a.relay()['told']['from_memory'] == told + 1)


CASES = {f.__name__: f for f in (carried, moves, ipv6, monitors, links, corosync, restart, forged, echo, observe, services, udp, late, many, seen)}


def main(names):
    site = Site(3, parameters={'exposure': '100'})
    a, b, c = site.directors
    for d in (a, b):
        d.start_corosync()
    site.await_ring([a, b])
    for d in (a, b):
        d.agent('start')
    await_true(lambda: len(a.relay().get('peers', [])) == 1 and len(b.relay().get('peers', [])) == 1, 20, 'the relays find each other')
    a.hold_vip(True)
    for name in names or CASES:
        began = time.monotonic()
        try:
            CASES[name](*((site, a, b, c) if name in ('late', 'many', 'seen') else (site, a, b)))
        except Exception:
            check(name, False, traceback.format_exc())
        print(f'        {time.monotonic() - began:.1f} s', flush=True)
    for d in (a, b):
        print(d.relay('status'))
    print(f'{passed} passed, {failed} failed')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
