"""
One connection, `s`. What it receives is written to stdout. The process ends at the end of its stdin, and with the
stream: exit code 0 if that was closed, 1 if it was reset.
"""
def _copy():
    try:
        data = s.recv(65536)
    except OSError:
        sys.exit(1)
    if not data:
        sys.exit(0)
    while data:
        data = data[os.write(1, data):]


def _end_with_input():
    if not os.read(0, 1024):
        sys.exit(0)


def begin(sock):
    global s
    s = sock
    s.settimeout(None)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    on_readable[0] = _end_with_input
    read_on()


def read_on():
    on_readable[s] = _copy


def stop_reading():
    del on_readable[s]


def close():
    stop_reading()
    s.close()


def break_off():
    """Resets the connection and ends the process."""
    reset(s)
    os._exit(0)
