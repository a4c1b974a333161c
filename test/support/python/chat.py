"""Clients of chatserver, which listens on `port`."""


class Guest:
    """A client that has sent the pieces, and keeps all that it hears."""

    def __init__(self, *pieces):
        self.sock = connect(port)
        self.heard = b''
        for piece in pieces:
            self.sock.sendall(piece)

    def until(self, text):
        while text not in self.heard:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError(self.heard)
            self.heard += piece

    def all(self):
        while piece := self.sock.recv(65536):
            self.heard += piece
        return self.heard.decode(errors='replace')

    def leave(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self.all()


def slowly(sock, *pieces):
    """Sends the pieces 120 ms apart. Whether each came less than 200 ms after the one before: a busy machine may have
    delayed one."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    in_time, last = True, None
    for piece in pieces:
        if last:
            select.select([], [], [], 0.12)
        begin = time.monotonic()
        sock.sendall(piece)
        in_time = in_time and time.monotonic() - (last or begin) < 0.19
        last = begin
    return in_time
