"""multiconn-client, given: makes connections to the server, sends two messages on each, and receives them back."""
import selectors
import socket
import sys
import types

sel = selectors.DefaultSelector()
MESSAGES = [b"Message 1 from client.", b"Message 2 from client."]


def start_connections(host, port, num_conns):
    for connid in range(1, num_conns + 1):
        print(f"Starting connection {connid} to {(host, port)}", flush=True)
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((host, port))
        data = types.SimpleNamespace(
            connid=connid, msg_total=sum(map(len, MESSAGES)), recv_total=0, messages=list(MESSAGES), outb=b""
        )
        sel.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE, data=data)


def service_connection(sock, data, mask):
    if mask & selectors.EVENT_READ:
        received = sock.recv(1024)
        if received:
            print(f"Received {received} from connection {data.connid}", flush=True)
            data.recv_total += len(received)
        if not received or data.recv_total == data.msg_total:
            print(f"Closing connection {data.connid}", flush=True)
            sel.unregister(sock)
            sock.close()
            return
    if mask & selectors.EVENT_WRITE:
        if not data.outb and data.messages:
            data.outb = data.messages.pop(0)
        if data.outb:
            print(f"Sending {data.outb} to connection {data.connid}", flush=True)
            data.outb = data.outb[sock.send(data.outb):]
        if not data.outb and not data.messages:
            sel.modify(sock, selectors.EVENT_READ, data=data)


if len(sys.argv) != 4:
    sys.exit("usage: multiconn_client.py host port num_conns")
try:
    start_connections(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    while sel.get_map():
        for key, mask in sel.select():
            service_connection(key.fileobj, key.data, mask)
except OSError as error:
    sys.exit(f"{sys.argv[1]}, {sys.argv[2]}: {error}")
except KeyboardInterrupt:
    pass
