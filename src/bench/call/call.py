"""One call of CPython's select.select on a list: call.py select N SECONDS THREADS. As call.c."""
import json, os, select, signal, sys, threading, time

FIRST_READ, PLACES, BATCH, WARM_UP = 24, 16, 50, 0.1
n, seconds, threads = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
first_write = max(1024, FIRST_READ + n)
rlist = list(range(FIRST_READ, FIRST_READ + n))
if threads > 1:
    threading.Thread(target=signal.pause, daemon=True).start()


def cost(place, seconds):
    os.write(first_write + place, b"x")
    ready = [FIRST_READ + place]
    calls = 0
    begin = end = time.perf_counter()
    while end - begin < seconds:
        for _ in range(BATCH):
            readable, _w, _x = select.select(rlist, [], [])
            assert readable == ready
        calls += BATCH
        end = time.perf_counter()
    os.read(FIRST_READ + place, 1)
    return (end - begin) / calls * 1e9


def anywhere(seconds):
    places = [(i * 11 % PLACES * 2 + 1) * n // (2 * PLACES) for i in range(PLACES)]
    return sum(cost(place, seconds / PLACES) for place in places) / PLACES


anywhere(WARM_UP)
print(json.dumps({"random": anywhere(seconds), "first": cost(0, seconds), "last": cost(n - 1, seconds)}))
