"""The chain on CPython's select.select: wait.py select N ACTIVE WRITES SECONDS. As wait.c."""
import json, os, select, signal, sys, threading, time

FIRST_READ, WARM_UP = 24, 0.1
n, active, each = map(int, sys.argv[2:5])
seconds = float(sys.argv[5])
first_write = max(1024, FIRST_READ + n)
rlist = list(range(FIRST_READ, FIRST_READ + n))
threading.Thread(target=signal.pause, daemon=True).start()


def one_round():
    fired, writes = 0, each
    for i in range(active):
        os.write(first_write + i * (n // active), b"e")
    while fired < active + each:
        for fd in select.select(rlist, [], [])[0]:
            os.read(fd, 1)
            fired += 1
            if writes > 0:
                writes -= 1
                os.write(first_write + (fd - FIRST_READ + 1) % n, b"e")
    return fired


begin = time.perf_counter()
while time.perf_counter() - begin < WARM_UP:
    one_round()
events = 0
begin = end = time.perf_counter()
while end - begin < seconds:
    events += one_round()
    end = time.perf_counter()
print(json.dumps({"us": (end - begin) / events * 1e6}))
