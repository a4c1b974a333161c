"""What Python's select says to a descriptor that no fd_set has a bit for."""
import os
import select

end, _ = os.pipe()
for fd in 1023, 1024:
    os.dup2(end, fd)
    try:
        print(fd, select.select([fd], [], [], 0))
    except ValueError as error:
        print(fd, error)
