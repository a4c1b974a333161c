import socket
import sys

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.2)
for n in range(count):
    s.sendto(b"ping %d" % n, (host, port))
    try:
        data, peer = s.recvfrom(1024)
        print("reply", repr(data), "from", peer[0])
    except socket.timeout:
        print("ping", n, "timed out after", s.gettimeout())
s.close()
