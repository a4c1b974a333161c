"""CPython's select.select on a list. Usage: call.py N PLACE SECONDS THREADS; prints the nanoseconds of one call."""
import select, signal, socket, sys, threading, time

n, place, seconds, threads = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
if threads == 2:
    threading.Thread(target=signal.pause, daemon=True).start()

pairs = [socket.socketpair() for _ in range(n // 2)]
rlist = [end.fileno() for pair in pairs for end in pair]
pairs[place // 2][1 - place % 2].send(b"x")
ready = [rlist[place]]

calls = 0
begin = end = time.perf_counter()
while end - begin < seconds:
    for _ in range(100):
        readable, _w, _x = select.select(rlist, [], [])
        assert readable == ready
    calls += 100
    end = time.perf_counter()
print((end - begin) / calls * 1e9)
