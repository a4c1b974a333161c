"""An echo server from Python's library: socketserver starts a thread for each client, which no line here says."""
import socketserver
import sys


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while data := self.request.recv(1024):
                print("Echoing", repr(data), "to", self.client_address, flush=True)
                self.request.sendall(data)
        except ConnectionError:
            pass  # the client has broken it off


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


host, port = sys.argv[1], int(sys.argv[2])
with Server((host, port), Echo) as server:
    print("Listening on", (host, port), flush=True)
    server.serve_forever()
