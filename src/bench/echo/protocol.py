"""Echo on asyncio, as a BufferedProtocol: a plain one gets a fresh buffer of 256 KiB for each chunk. Prints its port."""
import asyncio

BACKLOG, BUFFER_SIZE = 4096, 65536


class Echo(asyncio.BufferedProtocol):
    buffer = memoryview(bytearray(BUFFER_SIZE))

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.transport.write(self.buffer[:nbytes])


async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
