"""Sockets for all steps. A call that waits 120 s has failed: no machine is so busy."""
SECONDS = 120


def connect(port, host='127.0.0.1', timeout=SECONDS):
    return socket.create_connection((host, port), timeout=timeout)


def listen(host='127.0.0.1', rcvbuf=0):
    listener = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
    if rcvbuf:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    listener.settimeout(SECONDS)
    listener.bind((host, 0))
    listener.listen()
    return listener


def accept(listener):
    conn = listener.accept()[0]
    conn.settimeout(SECONDS)
    return conn


def port(sock):
    return sock.getsockname()[1]


def address(a):
    """An address as Python wants it."""
    return tuple(a) if isinstance(a, list) else a


def names(socks):
    """The addresses as Python shows them."""
    return [repr(sock.getsockname()) for sock in socks]


def get(sock, n):
    """n bytes, or what comes until the end of the stream."""
    data = b''
    while len(data) < n and (piece := sock.recv(n - len(data))):
        data += piece
    return data


def rest(sock):
    """The text until the end of the stream."""
    data = bytearray()
    while piece := sock.recv(65536):
        data += piece
    return data.decode(errors='replace')


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    sock.close()
