/** A chat server in Java with a thread for each user. The third argument names one thing that it does otherwise. */
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

class Srv {
  static final Map<Socket, String> users = new ConcurrentHashMap<>(), names = new ConcurrentHashMap<>();
  static String how;

  static String online() {
    return "(" + users.size() + " user" + (users.size() == 1 ? "" : "s") + " online)";
  }

  static void tell(String text, Socket but) throws IOException {
    for (Socket other : users.keySet()) if (other != but) other.getOutputStream().write(text.getBytes());
  }

  static void serve(Socket conn) {
    byte[] data = new byte[1024];
    try {
      for (int got; (got = conn.getInputStream().read(data)) > 0; ) {
        String name = (how.equals("dies") ? names : users).get(conn);
        tell("[" + name.trim() + "] " + new String(data, 0, got), conn);
      }
    } catch (IOException gone) {
    }
    users.remove(conn);
  }

  public static void main(String[] args) throws IOException {
    how = args[2];
    ServerSocket listener = new ServerSocket(Integer.parseInt(args[1]), 50, InetAddress.getByName(args[0]));
    while (true) {
      Socket conn = listener.accept();
      users.put(conn, conn.getInetAddress().getHostAddress() + ":" + conn.getPort());
      conn.getOutputStream().write(("> Connected to the chat server " + online()).getBytes());
      tell("> New user " + users.get(conn) + " entered. " + online(), conn);
      new Thread(() -> serve(conn)).start();
    }
  }
}
