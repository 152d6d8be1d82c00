# SPDX-License-Identifier: Apache-2.0
"""A site in one guest: directors that are network and mount namespaces with a corosync and an IPVS of their own, a real server, a client.

10.77.0.0/24 public: directors .11 .12 .13, real server .21, client .200, VIP 10.77.0.100 (direct routing); 10.77.1.0/24 crossover
The same on the public network with fd77::/64. In what is told about connections those of IPv6 have their client port plus 65536.
"""
import ctypes, json, os, select, signal, socket, struct, subprocess, sys, time

VIP, VIP6 = '10.77.0.100', 'fd77::100'
_libc = ctypes.CDLL(None, use_errno=True)


def enter(pid, kinds=('net',)):
    """Moves this process into the namespaces of another one."""
    for kind in kinds:
        with open(f'/proc/{pid}/ns/{kind}') as namespace:
            if _libc.setns(namespace.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), f'setns {kind} {pid}')


def batch(lines, *where):
    subprocess.run(['ip', *where, '-batch', '-'], input='\n'.join(lines), text=True, check=True)


def corosync_conf(count, token):
    def section(name, *lines):
        return '\n'.join([f'{name} {{', *lines, '}'])

    links = [section('interface', f'linknumber: {k}', f'knet_link_priority: {1 + k * 9}', 'knet_ping_interval: 200', 'knet_ping_timeout: 1000',
                     'knet_pong_count: 2') for k in (0, 1)]
    nodes = [section('node', f'nodeid: {n}', f'name: d{n}', f'ring0_addr: 10.77.0.1{n}', f'ring1_addr: 10.77.1.1{n}') for n in range(1, count + 1)]
    return '\n'.join([
        section('totem', 'version: 2', 'cluster_name: relay', 'transport: knet', 'link_mode: active', 'crypto_model: nss', 'crypto_cipher: aes256',
                'crypto_hash: sha256', 'keyfile: /etc/corosync/authkey', f'token: {token}', *links),
        # The directors share one processor, of which two corosyncs with precedence take nine tenths and leave the relays seconds behind.
        section('nodelist', *nodes), section('quorum', 'provider: corosync_votequorum'), section('system', 'sched_rr: no', 'priority: 0'),
        section('logging', 'to_stderr: no', 'to_syslog: no', 'to_logfile: yes', 'logfile: /var/log/corosync/corosync.log', 'timestamp: hires'), ''])


class Director:
    def __init__(self, site, number):
        self.site, self.number, self.name = site, number, f'd{number}'
        self.holder = subprocess.Popen(['unshare', '-m', '-n', '--propagation', 'private', 'sleep', 'infinity'])
        self.pid = self.holder.pid
        while not os.path.exists(f'/proc/{self.pid}/ns/net') or os.readlink(f'/proc/{self.pid}/ns/net') == os.readlink('/proc/self/ns/net'):
            time.sleep(0.01)
        self.corosync = None
        for link, bridge in enumerate(('br-pub', 'br-xo')):
            batch([f'link add {self.name}-{link} type veth peer name eth{link} netns {self.pid}', f'link set {self.name}-{link} master {bridge} up'])
        self.x('sh', '-c', f'''
            mount -t tmpfs run /run; mount -t tmpfs shm /dev/shm; mount -t tmpfs log /var/log; mount -t tmpfs lib /var/lib/corosync
            mkdir -p /run/resource-agents /var/log/corosync; mount -t tmpfs etc /etc/corosync; mkdir /etc/corosync/uidgid.d
            cp {site.folder}/corosync.conf {site.folder}/authkey /etc/corosync/
            ip link set lo up; ip addr add 10.77.0.1{number}/24 dev eth0; ip addr add 10.77.1.1{number}/24 dev eth1; ip link set eth0 up; ip link set eth1 up
            ip addr add fd77::1{number}/64 dev eth0 nodad
            echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding''')
        for kind, vip, real in (('t', VIP, '10.77.0.21'), ('u', VIP, '10.77.0.21'), ('t', f'[{VIP6}]', '[fd77::21]')):
            self.x('ipvsadm', '-A', f'-{kind}', f'{vip}:80', '-s', 'rr')
            self.x('ipvsadm', '-a', f'-{kind}', f'{vip}:80', '-r', f'{real}:80', '-g')

    def x(self, *command, check=True, **options):
        """Runs a command in the director; gives what it printed."""
        done = subprocess.run(['nsenter', '-t', str(self.pid), '-m', '-n', *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f'{self.name}: {command}: {done.returncode}\n{done.stdout}')
        return done.stdout if check else (done.returncode, done.stdout)

    def spawn(self, *command, **options):
        """Starts a command in the director; its pid is that of the program itself."""
        pid = self.pid
        options.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.Popen(command, preexec_fn=lambda: enter(pid, ('mnt', 'net')), start_new_session=True, **options)

    def start_corosync(self):
        self.corosync = self.spawn('corosync', '-f', stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop_corosync(self, how=signal.SIGTERM):
        self.corosync.send_signal(how)
        self.corosync.wait()

    def agent_environment(self, **parameters):
        """What Pacemaker would give to ocf:vervet:syncd."""
        given = dict(transport='cpg', syncid='7', drain='0', relay_binary=f'{self.site.stage}/usr/sbin/syncrelay', **self.site.parameters)
        given.update(parameters)
        return dict(os.environ, OCF_ROOT='/usr/lib/ocf', OCF_RA_VERSION_MAJOR='1', OCF_RA_VERSION_MINOR='1', OCF_RESOURCE_TYPE='syncd',
                    OCF_RESOURCE_INSTANCE='p-syncd', HA_RSCTMP='/run/resource-agents', HA_LOGFILE='/run/agent.log',
                    **{f'OCF_RESKEY_{key}': value for key, value in given.items()})

    def agent(self, action, check=True, **parameters):
        """Runs an action of ocf:vervet:syncd; gives exit code and output."""
        program = f'{self.site.stage}/usr/lib/ocf/resource.d/vervet/syncd'
        code, text = self.x(program, action, check=False, env=self.agent_environment(**parameters))
        if check and code != 0:
            raise RuntimeError(f'{self.name}: syncd {action}: {code}\n{text}')
        return code, text

    def relay(self, what='status json'):
        """Asks the relay; {} when it does not answer."""
        path = f'/proc/{self.pid}/root/run/vervet/syncrelay.sock'
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            try:
                s.connect(path)
                s.sendall((what + '\n').encode())
                answer = b''.join(iter(lambda: s.recv(65536), b'')).decode()
            except OSError as error:
                return {} if what.endswith('json') else str(error)
        return json.loads(answer) if what.endswith('json') else answer

    def relay_pid(self):
        return int(open(f'/proc/{self.pid}/root/run/vervet/syncrelay.pid').readline())

    def table(self):
        """The connections to the VIP that this director knows: {client port: (state, origin)}."""
        found = {}
        with open(f'/proc/{self.pid}/net/ip_vs_conn_sync') as lines:
            for line in lines:
                f = line.split()
                if f[0] == 'TCP' and f[3] in ('0A4D0064', 'fd77:0000:0000:0000:0000:0000:0000:0100') and f[2] != '0000':
                    found[int(f[2], 16) + (65536 if ':' in f[3] else 0)] = (f[7], f[8])
        return found

    def hold_vip(self, holds, vip=VIP):
        if vip == VIP6:
            self.x('ip', 'addr', 'add' if holds else 'del', f'{VIP6}/128', 'dev', 'eth0', *(['nodad'] if holds else []))
            if holds:
                self.x(f'{self.site.stage}/usr/sbin/send_ua', VIP6, '64', 'eth0')
        elif holds:
            self.x('ip', 'addr', 'add', f'{VIP}/32', 'dev', 'eth0')
            self.x('arping', '-q', '-U', '-c', '1', '-I', 'eth0', VIP, check=False)
        else:
            self.x('ip', 'addr', 'del', f'{VIP}/32', 'dev', 'eth0')

    def cut(self, link, is_cut=True):
        """The cable of a link, behind the switch."""
        subprocess.run(['bridge', 'link', 'set', 'dev', f'{self.name}-{link}', 'state', '0' if is_cut else '3'], check=True)

    def log(self):
        return open(f'/proc/{self.pid}/root/var/log/corosync/corosync.log').read()


class Site:
    def __init__(self, directors, token=3000, parameters=None):
        self.stage = os.path.realpath(os.environ['STAGE'])
        self.parameters = parameters or {}
        self.folder = '/tmp/relay-site'
        os.makedirs(self.folder, exist_ok=True)
        open(f'{self.folder}/corosync.conf', 'w').write(corosync_conf(directors, token))
        subprocess.run(['corosync-keygen', '-l', '-k', f'{self.folder}/authkey'], check=True, stdout=subprocess.DEVNULL)
        batch(['link add br-pub type bridge', 'link add br-xo type bridge', 'link set br-pub up', 'link set br-xo up', 'netns add rs', 'netns add client',
               'link add rs-0 type veth peer name eth0 netns rs', 'link add client-0 type veth peer name eth0 netns client',
               'link set rs-0 master br-pub up', 'link set client-0 master br-pub up'])
        for where, host in (('rs', '21'), ('client', '200')):
            batch(['link set lo up', f'addr add 10.77.0.{host}/24 dev eth0', 'link set eth0 up', f'addr add fd77::{host}/64 dev eth0 nodad'], '-n', where)
        subprocess.run(['ip', 'netns', 'exec', 'rs', 'sh', '-c', f'''echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
            ip addr add {VIP}/32 dev lo; ip addr add {VIP6}/128 dev lo nodad'''], check=True)
        self.directors = [Director(self, n) for n in range(1, directors + 1)]
        self.server = self.helper('rs', serve)
        self.client = Client(self)

    def helper(self, netns, body, *arguments):
        """A process of ours in a network namespace, with a socket to it."""
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            near.close()
            with open(f'/run/netns/{netns}') as namespace:
                _libc.setns(namespace.fileno(), 0)
            try:
                body(far, *arguments)
            finally:
                os._exit(0)
        far.close()
        return near

    def renew(self, director):
        """Another director in place of one that is off: its kernel knows nothing."""
        director.holder.kill()
        director.holder.wait()
        await_true(lambda: not os.path.exists(f'/sys/class/net/{director.name}-0'), 30, 'its cables are gone')
        place = self.directors.index(director)
        self.directors[place] = Director(self, director.number)
        return self.directors[place]

    def await_ring(self, directors, seconds=60):
        """Waits until these directors are one ring."""
        try:
            await_true(lambda: all(d.x('corosync-quorumtool', '-s', check=False)[1].count(' d') >= len(directors) for d in directors), seconds, 'the ring forms')
        except TimeoutError:
            print(*(d.log()[-1500:] + d.x('corosync-quorumtool', '-s', check=False)[1] for d in directors), sep='\n')
            raise


def await_true(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f'{what}: not within {seconds} s')
        time.sleep(0.1)


def serve(orders):
    """An echo server on the VIPs' port 80, until the other end of `orders` is gone."""
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('', 80))
    listener.listen(1024)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    poll.register(orders, select.EPOLLIN)
    clients = {}
    while True:
        for fd, _ in poll.poll():
            if fd == orders.fileno():
                return
            if fd == listener.fileno():
                s, _ = listener.accept()
                clients[s.fileno()] = s
                poll.register(s, select.EPOLLIN)
                continue
            try:
                data = clients[fd].recv(4096)
            except OSError:
                data = b''
            if data:
                clients[fd].send(data)
            else:
                poll.unregister(fd)
                clients.pop(fd).close()


class Client:
    """The client's process: opens connections and keeps them."""

    def __init__(self, site):
        self.channel = site.helper('client', self.work)

    def ask(self, *order):
        self.channel.send(json.dumps(order).encode())
        return json.loads(self.channel.recv(1 << 20))

    def open(self, count=1, pause=0.0, vip=VIP):
        """Opens connections; gives [client port, moment] of each."""
        return self.ask('open', count, pause, vip)

    def alive(self, ports=None):
        """Speaks on connections; gives the ports of those that answer."""
        return self.ask('alive', ports)

    def close(self):
        return self.ask('close')

    @staticmethod
    def work(orders):
        kept = {}
        while data := orders.recv(1 << 20):
            order, *arguments = json.loads(data)
            answer = None
            if order == 'open':
                answer = []
                family, plus = (socket.AF_INET6, 65536) if ':' in arguments[2] else (socket.AF_INET, 0)
                for _ in range(arguments[0]):
                    s = socket.socket(family)
                    s.settimeout(10)
                    try:
                        s.connect((arguments[2], 80))
                    except OSError:
                        s.close()
                        continue
                    port = s.getsockname()[1] + plus
                    answer.append([port, time.monotonic()])
                    kept[port] = s
                    if arguments[1]:
                        time.sleep(arguments[1])
            elif order == 'alive':
                wanted = kept if arguments[0] is None else {p: kept[p] for p in arguments[0] if p in kept}
                answer = []
                for port, s in wanted.items():
                    try:
                        s.send(b'x')
                    except OSError:
                        pass
                end = time.monotonic() + 8
                for port, s in wanted.items():
                    s.settimeout(max(0.01, end - time.monotonic()))
                    try:
                        if s.recv(1) == b'x':
                            answer.append(port)
                    except OSError:
                        pass
            elif order == 'close':
                for s in kept.values():
                    # At once, without a FIN that would have to be told to the others.
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                    s.close()
                kept = {}
            orders.send(json.dumps(answer).encode())
