"""Echo on CPython's select.select. Prints the port that it listens on."""
import select, signal, socket, threading

BACKLOG, BUFFER_SIZE = 4096, 65536
threading.Thread(target=signal.pause, daemon=True).start()
listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
listener.setblocking(False)
print(listener.getsockname()[1], flush=True)
rlist = [listener]
while True:
    for s in select.select(rlist, [], [])[0]:
        if s is listener:
            try:
                while True:
                    conn, _address = s.accept()
                    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    rlist.append(conn)
            except BlockingIOError:
                continue
        try:
            data = s.recv(BUFFER_SIZE)
            if data:
                s.sendall(data)
        except ConnectionError:
            data = b""
        if not data:
            rlist.remove(s)
            s.close()
