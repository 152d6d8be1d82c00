# SPDX-License-Identifier: Apache-2.0
"""A small site in one guest: the guest itself is the director; real servers and a client are namespaces beside it.

10.254.1.1 director - 10.254.1.2 reals, every address of 10.1.0.0/16 (2001:db8:1::1 - ::2, 2001:db8::1 to 4); 10.254.2.1 - 10.254.2.2 client
"""
import ctypes, os, socket, subprocess, sys
import realservers

_libc = ctypes.CDLL(None, use_errno=True)


def enter(netns):
    """Moves this process into a named network namespace."""
    with open(f'/run/netns/{netns}') as namespace:
        if _libc.setns(namespace.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), f'setns {netns}')


def batch(lines, *where):
    subprocess.run(['ip', *where, '-batch', '-'], input='\n'.join(lines), text=True, check=True)


def build(vips=()):
    """Namespaces, cables and routes; `vips` become addresses of the director."""
    batch(['netns add reals', 'netns add client', 'link add r0 type veth peer name d netns reals', 'link add c0 type veth peer name d netns client',
           'link set dev r0 up', 'link set dev c0 up', 'address add 10.254.1.1/24 dev r0', 'address add 10.254.2.1/24 dev c0',
           'address add 2001:db8:1::1/64 dev r0 nodad', 'route add 10.1.0.0/16 via 10.254.1.2', 'route add 2001:db8::/96 via 2001:db8:1::2',
           *(f'address add {vip}/32 dev lo' for vip in vips)])
    batch(['link set dev lo up', 'link set dev d up', 'address add 10.254.1.2/24 dev d', 'address add 2001:db8:1::2/64 dev d nodad',
           'route add default via 10.254.1.1', 'route add local 10.1.0.0/16 dev lo',
           *(f'address add {a}/128 dev lo nodad' for a in realservers.ADDRESSES if ':' in a)], '-n', 'reals')
    batch(['link set dev lo up', 'link set dev d up', 'address add 10.254.2.2/24 dev d', 'route add default via 10.254.2.1'], '-n', 'client')
    open('/proc/sys/net/ipv4/ip_forward', 'w').write('1')


class Reals:
    """The real servers, in a process of their own that ends with this one."""

    def __init__(self, addresses=realservers.ADDRESSES, ports=realservers.PORTS):
        self.orders, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            self.orders.close()
            enter('reals')
            realservers.serve(far, addresses, ports)
        far.close()

    def ask(self, text):
        self.orders.send(text.encode())
        return self.orders.recv(1 << 20).decode()

    def set(self, address, port, state):
        """Puts a server, or with port '*' all ports of an address, into a state of realservers."""
        self.ask(f'{address} {port} {state}')

    def seen(self, address, port):
        """What came to this port since the last question: for each connection the first line sent, '' for none."""
        return eval(self.ask(f'{address} {port} ?'), {})
