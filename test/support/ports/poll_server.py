import select
import socket

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
poller = select.poll()
poller.register(listener, select.POLLIN)
conns = {listener.fileno(): listener}
served = 0
while served < 2:
    for fd, event in poller.poll():
        if fd == listener.fileno():
            conn, _ = listener.accept()
            poller.register(conn, select.POLLIN)
            conns[conn.fileno()] = conn
        elif event & (select.POLLIN | select.POLLHUP):
            data = conns[fd].recv(1024)
            if data:
                conns[fd].sendall(data.upper())
            else:
                poller.unregister(fd)
                conns.pop(fd).close()
                served += 1
print("served", served)
listener.close()
