import select
import subprocess

from texts import connected, disconnected, listen, received, recv

listener = listen()
subprocess.Popen(["sh", "-c", "sleep 1000 &"], env={}, start_new_session=True)
addresses = {}
while True:
    readable, _, _ = select.select([listener, *addresses], [], [])
    for s in readable:
        if s is listener:
            conn, address = listener.accept()
            addresses[conn] = address
            connected(address)
        elif data := recv(s):
            received(addresses[s], data)
        else:
            disconnected(addresses.pop(s))
            s.close()
