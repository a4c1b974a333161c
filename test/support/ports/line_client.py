import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
s = None
for family, type, proto, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
    try:
        s = socket.socket(family, type, proto)
        s.connect(address)
        break
    except OSError:
        s.close()
        s = None
if s is None:
    sys.exit("no address of %s answers" % host)
f = s.makefile("rw", newline="\n")
for line in ("hello\n", "and goodbye\n"):
    f.write(line)
    f.flush()
    print(repr(f.readline()))
s.close()
