/** An echo server in Java. The third argument names one thing that it does otherwise. */
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

class Multiconn {
  static void say(byte[] data, int length, int port) {
    System.out.println("Echoing b'" + new String(data, 0, Math.min(length, 60)) + "' to ('127.0.0.1', " + port + ")");
  }

  /** A thread for each client. */
  static void serve(Socket conn) {
    byte[] data = new byte[4096];
    try {
      for (int got; (got = conn.getInputStream().read(data)) > 0; ) {
        say(data, got, conn.getPort());
        conn.getOutputStream().write(data, 0, got);
      }
      conn.close();
    } catch (IOException gone) {
    }
  }

  static void withThreads(InetSocketAddress here) throws IOException {
    ServerSocket listener = new ServerSocket();
    listener.bind(here);
    while (true) {
      Socket conn = listener.accept();
      new Thread(() -> serve(conn)).start();
    }
  }

  /** What could not be sent yet is all that is read of a client meanwhile. */
  static void turn(SelectionKey key) throws IOException {
    SocketChannel conn = (SocketChannel) key.channel();
    ByteBuffer data = (ByteBuffer) key.attachment();
    if (key.isReadable()) {
      data.clear();
      if (conn.read(data) < 0) throw new IOException("it has gone");
      data.flip();
      say(data.array(), data.limit(), ((InetSocketAddress) conn.getRemoteAddress()).getPort());
    }
    conn.write(data);
    key.interestOps(data.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
  }

  public static void main(String[] args) throws IOException {
    InetSocketAddress here = new InetSocketAddress(args[0], Integer.parseInt(args[1]));
    System.out.println("Listening on ('" + args[0] + "', " + args[1] + ")");
    if (args[2].equals("threads")) withThreads(here);
    Selector selector = Selector.open();
    ServerSocketChannel listener = ServerSocketChannel.open().bind(here);
    listener.configureBlocking(false);
    listener.register(selector, SelectionKey.OP_ACCEPT);
    while (true) {
      selector.select();
      for (SelectionKey key : selector.selectedKeys()) {
        if (key.isAcceptable()) {
          SocketChannel conn = listener.accept();
          conn.configureBlocking(false);
          conn.register(selector, SelectionKey.OP_READ, ByteBuffer.allocate(65536));
          continue;
        }
        try {
          turn(key);
        } catch (IOException gone) {
          key.channel().close();
        }
      }
      selector.selectedKeys().clear();
    }
  }
}
