# SPDX-License-Identifier: Apache-2.0
"""Real servers of one network namespace in one process: every address, and each in the state that was asked for.

up       http on 80, 81, 8080, smtp on 25 and 587, nntp on 119, imap on 143, an echo on 7
closed   nothing listens on the port
silent   connections are taken and never answered
wrong    http answers 200 with another text, smtp and nntp refuse, imap says BYE
missing  http answers 404
"""
import os, selectors, socket

PORTS = (7, 25, 80, 81, 119, 143, 587, 8080)
ADDRESSES = [f'10.1.0.{n}' for n in range(1, 8)] + [f'2001:db8::{n}' for n in range(1, 5)]
PAGES = {'/': 'index', '/alive.html': 'alive', '/health': 'OK\nload 0.1', '/r1': 'R1UP', '/ok': 'UP', '/query?a=b&c=d': 'query'}


def http(where, state, request):
    """The answer to one request, or None while it is not complete."""
    if b'\r\n\r\n' not in request:
        return None
    head = request.decode('latin-1').split('\r\n')
    method, path = head[0].split()[:2]
    host = next((line[5:].strip() for line in head if line.lower().startswith('host:')), '')
    status, extra = '200 OK', ''
    if path == '/host': body = f'host={host}.'
    elif path == '/who': body = f'I am {where[0]} port {where[1]}'
    elif path == '/method': body = f'method={method}.'
    elif path == '/empty': status, body = '204 No Content', ''
    elif path == '/moved': status, extra, body = '302 Found', 'Location: /alive.html\r\n', 'moved'
    elif path.startswith('/away/'): status, extra, body = '302 Found', f'Location: http://{path[6:]}/alive.html\r\n', 'moved'
    elif path == '/loop': status, extra, body = '302 Found', 'Location: /loop\r\n', 'loop'
    elif path == '/busy': status, body = '503 Service Unavailable', 'alive'
    elif path == '/latin': body = 'caf\xe9 alive'
    elif path == '/big': body = 'x' * 200000 + 'end'
    elif path in PAGES: body = f'{PAGES[path]} {where[0]}\n'
    else: status, body = '404 Not Found', 'alive'
    if state == 'wrong': status, extra, body = '200 OK', '', 'maintenance'
    if state == 'missing': status, extra, body = '404 Not Found', '', 'alive'
    body = body.encode('latin-1')
    head = f'HTTP/1.1 {status}\r\n{extra}Connection: close\r\n' + ('' if status.startswith('204') else f'Content-Length: {len(body)}\r\n')
    return f'{head}\r\n'.encode() + (b'' if method == 'HEAD' else body)


GREETING = {25: b'220 mail ready\r\n', 587: b'220 mail ready\r\n', 119: b'200 news ready\r\n', 143: b'* OK imap ready\r\n'}
REFUSAL = {25: b'554 no\r\n', 587: b'554 no\r\n', 119: b'502 no\r\n', 143: b'* BYE no\r\n'}


def line(port, text):
    """The answer to one line of a protocol that talks in lines, and whether the connection ends."""
    word = text.split()
    if port in (25, 587):
        command = word[0].upper() if word else b''
        return {b'EHLO': b'250-mail\r\n250 8BITMIME\r\n', b'HELO': b'250 mail\r\n', b'QUIT': b'221 bye\r\n'}.get(command, b'502 what\r\n'), command == b'QUIT'
    if port == 143 and len(word) > 1:
        good = not (word[1].upper() == b'LOGIN' and b'wrong' in text)
        bye = b'* BYE\r\n' if word[1].upper() == b'LOGOUT' else b''
        return bye + word[0] + (b' OK done\r\n' if good else b' NO bad login\r\n'), bool(bye)
    return b'500 what\r\n', word[:1] in ([b'QUIT'], [b'quit'])


class Servers:
    def __init__(self, orders, addresses, ports):
        self.selector = selectors.DefaultSelector()
        self.state, self.listeners, self.open = {}, {}, set()
        self.ports, self.seen = ports, {}
        for address in addresses:
            for port in ports:
                self.set(address, port, 'up')
        self.orders = orders
        self.selector.register(orders, selectors.EVENT_READ, None)

    def set(self, address, port, state):
        key = address, port
        self.state[key] = state
        listener = self.listeners.get(key)
        if state == 'closed' and listener:
            self.selector.unregister(listener)
            self.listeners.pop(key).close()
        elif state != 'closed' and not listener:
            family = socket.AF_INET6 if ':' in address else socket.AF_INET
            listener = self.listeners[key] = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(key)
            listener.listen(16)
            listener.setblocking(False)
            self.selector.register(listener, selectors.EVENT_READ, key)
        # Connections of the time before must not answer on.
        for connection in [c for c in self.open if c.key == key]:
            connection.close()

    def run(self):
        while True:
            for key, events in self.selector.select():
                if key.data is None:
                    if not self.order():
                        return
                elif isinstance(key.data, tuple):
                    try:
                        Connection(self, key.fileobj.accept()[0], key.data)
                    except OSError:
                        pass
                else:
                    key.data.ready(events)

    def order(self):
        """Lines "ADDRESS PORT STATE" in one datagram, answered when all is so; with "?" as state: what was seen there since."""
        text = self.orders.recv(65536).decode()
        for words in map(str.split, text.splitlines()):
            if words[2] == '?':
                self.orders.send(repr([c.first for c in self.seen.pop((words[0], int(words[1])), [])]).encode())
                return text
            for port in self.ports if words[1] == '*' else [int(words[1])]:
                self.set(words[0], port, words[2])
        if text:
            self.orders.send(b'done')
        return text


class Connection:
    def __init__(self, servers, sock, key):
        self.servers, self.sock, self.key, self.input, self.output, self.ends = servers, sock, key, b'', b'', False
        sock.setblocking(False)
        servers.open.add(self)
        self.first = ''
        seen = servers.seen.setdefault(key, [])
        seen.append(self)
        del seen[:-200]
        servers.selector.register(sock, selectors.EVENT_READ, self)
        state = servers.state[key]
        if state in ('up', 'wrong', 'missing') and key[1] in GREETING:
            self.send((GREETING if state == 'up' else REFUSAL)[key[1]], state != 'up')

    def close(self):
        if self in self.servers.open:
            self.servers.open.remove(self)
            self.servers.selector.unregister(self.sock)
            self.sock.close()

    def ready(self, events):
        if self not in self.servers.open:
            return
        try:
            if events & selectors.EVENT_WRITE:
                return self.send(b'', self.ends)
            data = self.sock.recv(65536)
        except OSError:
            return self.close()
        if not data:
            return self.close()
        state, port = self.servers.state[self.key], self.key[1]
        self.first = self.first or data.split(b'\r\n')[0].decode('latin-1')
        if state == 'silent':
            return
        if port == 7:
            return self.send(data, False)
        self.input += data
        if port in GREETING:
            while b'\n' in self.input and self in self.servers.open:
                text, self.input = self.input.split(b'\n', 1)
                self.send(*line(port, text))
        elif (answer := http(self.key, state, self.input)) is not None:
            self.send(answer, True)

    def send(self, data, ends):
        self.output += data
        self.ends = ends
        try:
            while self.output:
                self.output = self.output[self.sock.send(self.output):]
        except BlockingIOError:
            self.servers.selector.modify(self.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
            return
        except OSError:
            return self.close()
        if ends:
            # Not close(): unread bytes of the client would make it a reset that overtakes the answer.
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                self.close()
        else:
            self.servers.selector.modify(self.sock, selectors.EVENT_READ, self)


def serve(orders, addresses=ADDRESSES, ports=PORTS):
    """Is the servers until the other end of the seqpacket socket `orders` is closed."""
    Servers(orders, addresses, ports).run()
    os._exit(0)
