/* The load on an echo server: load PORT PID CONNS SIZE IDLE SECONDS RATE
   RATE 0: closed loop, each connection sends its next message when the last one has come back.
   RATE above: open loop, messages go out at that rate whatever comes back, in turn over the connections; a latency
   counts from the moment a message was meant to be sent, so that a server that stalls cannot hide it.
   SECONDS 0: no load, but the server's memory for CONNS connections more.
   A fifth of the time before the measured seconds warms up. Prints JSON: per message µs, memory in bytes. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "../bench.h"

enum { MOST_EVENTS = 1024, QUEUE = 4096, BUFFER_SIZE = 65536 };

struct conn {
  int fd;
  long unsent, unread;    /* bytes of messages under way */
  double meant[QUEUE];    /* when those were meant to be sent, a ring */
  unsigned first, last;
};

static struct conn *conns;
static int count, size;
static char buffer[BUFFER_SIZE];
static struct sockaddr_in address;

static float *latencies; /* µs */
static size_t measured, room;
static long messages;
static double from, to; /* the measured time */

static void *allocate(size_t bytes) {
  void *memory = calloc(1, bytes);
  if (memory == NULL) fail("calloc");
  return memory;
}

static int connect_one(void) {
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void record(double meant, double now) {
  if (measured == room) {
    room = room ? 2 * room : 1 << 20;
    latencies = realloc(latencies, room * sizeof *latencies);
    if (latencies == NULL) fail("realloc");
  }
  latencies[measured++] = (float)((now - meant) * 1e6);
}

static void flush(struct conn *conn) {
  while (conn->unsent > 0) {
    ssize_t sent = send(conn->fd, buffer, conn->unsent < BUFFER_SIZE ? conn->unsent : BUFFER_SIZE, 0);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) fail("send");
    conn->unsent -= sent;
  }
}

/* A queue that is full would hide latency: the load is far beyond the server by then, and the run ends. */
static int submit(struct conn *conn, double meant) {
  if (conn->last - conn->first == QUEUE) return 0;
  conn->meant[conn->last++ % QUEUE] = meant;
  conn->unsent += size;
  conn->unread += size;
  flush(conn);
  return 1;
}

/* What has come back. */
static void take(struct conn *conn, int closed) {
  static char into[BUFFER_SIZE];
  ssize_t got = recv(conn->fd, into, sizeof into, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got < 0) fail("recv");
  if (got == 0) fprintf(stderr, "the server has closed a connection\n"), exit(1);
  conn->unread -= got;
  double at = now();
  while ((long)(conn->last - conn->first - 1) * size >= conn->unread && conn->first != conn->last) {
    double meant = conn->meant[conn->first++ % QUEUE];
    if (at >= from && at < to) messages++;
    if (closed ? at >= from && at < to : meant >= from && meant < to) record(meant, at);
    if (closed && at < to) submit(conn, at);
  }
}

#ifdef __linux__
static int epfd;

static void watch(int i) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
  if (epoll_ctl(epfd, EPOLL_CTL_ADD, conns[i].fd, &event) != 0) fail("epoll_ctl");
}

static void turn(int closed, int timeout) {
  struct epoll_event events[MOST_EVENTS];
  int ready = epoll_wait(epfd, events, MOST_EVENTS, timeout);
  for (int i = 0; i < ready; i++) take(&conns[events[i].data.u32], closed);
}
#else
static struct pollfd pollfds[16384];

static void watch(int i) {
  pollfds[i] = (struct pollfd){.fd = conns[i].fd, .events = POLLIN};
}

static void turn(int closed, int timeout) {
  if (poll(pollfds, count, timeout) <= 0) return;
  for (int i = 0; i < count; i++) {
    if (pollfds[i].revents) take(&conns[i], closed);
  }
}
#endif

struct cpu {
  double user, sys; /* seconds */
};

/* Of another process; zeros where there is no /proc. */
static struct cpu cpu_of(int pid) {
  struct cpu cpu = {0, 0};
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return cpu;
  unsigned long user, sys;
  /* The fields before are no numbers, or not wanted (man 5 proc_pid_stat). */
  if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) == 2) {
    double tick = 1.0 / sysconf(_SC_CLK_TCK);
    cpu = (struct cpu){user * tick, sys * tick};
  }
  fclose(file);
  return cpu;
}

static struct cpu own_cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (struct cpu){usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6,
                      usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6};
}

static double resident(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/statm", pid);
  FILE *file = fopen(path, "r");
  long pages = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
  fclose(file);
  return (double)pages * sysconf(_SC_PAGESIZE);
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double percentile(double part) {
  return measured == 0 ? 0 : latencies[(size_t)((measured - 1) * part)];
}

static void add_conns(int more) {
  conns = realloc(conns, (count + more) * sizeof *conns);
  if (conns == NULL) fail("realloc");
  memset(conns + count, 0, more * sizeof *conns);
  for (int i = count; i < count + more; i++) {
    conns[i].fd = connect_one();
    fcntl(conns[i].fd, F_SETFL, O_NONBLOCK);
    watch(i);
  }
  count += more;
}

/* One message and its echo on each. */
static void greet(int first) {
  for (int i = first; i < count; i++) submit(&conns[i], now());
  for (int i = first; i < count; i++) {
    while (conns[i].unread > 0) turn(0, -1);
  }
}

static void rest(double seconds) {
  for (double end = now() + seconds; now() < end;) usleep(10000);
}

static void memory(int pid, int more) {
  add_conns(10);
  for (double end = now() + 0.4; now() < end;) greet(0);
  rest(0.2);
  double before = resident(pid);
  add_conns(more);
  for (int i = 0; i < 3; i++) greet(10);
  rest(0.2);
  printf("{\"bytes\": %.0f}\n", (resident(pid) - before) / more);
}

int main(int argc, char **argv) {
  if (argc < 8) return 2;
  int pid = atoi(argv[2]), wanted = atoi(argv[3]), idle = atoi(argv[5]);
  double seconds = atof(argv[6]), rate = atof(argv[7]);
  size = atoi(argv[4]);
  address.sin_family = AF_INET;
  address.sin_port = htons(atoi(argv[1]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
#ifdef __linux__
  epfd = epoll_create1(0);
#endif
  conns = allocate(sizeof *conns);
  if (seconds == 0) {
    memory(pid, wanted);
    return 0;
  }
  for (int i = 0; i < idle; i++) connect_one();
  add_conns(wanted);
  greet(0);

  int closed = rate == 0, started = 0, drowned = 0;
  double begin = now();
  from = begin + seconds / 5;
  to = from + seconds;
  struct cpu server = {0, 0}, own = {0, 0};
  if (closed) {
    for (int i = 0; i < count; i++) submit(&conns[i], begin);
  }
  long sent = 0;
  for (double at = begin; at < to; at = now()) {
    if (at + seconds / 100 > to && messages == 0 && at < begin + 20) to += seconds; /* a machine that is busy elsewhere */
    if (!started && at >= from) {
      started = 1;
      server = cpu_of(pid);
      own = own_cpu();
    }
    if (closed) {
      turn(1, 10);
      continue;
    }
    /* Not all that is due at once: what has come back must not wait to be read. */
    for (int i = 0; i < 64; i++) {
      double meant = begin + sent / rate;
      if (meant > at || meant >= to) break;
      if (!submit(&conns[sent % count], meant)) drowned = 1;
      sent++;
    }
    turn(0, 0);
    for (int i = 0; i < count; i++) {
      if (conns[i].unsent > 0) flush(&conns[i]);
    }
  }
  if (messages == 0) fprintf(stderr, "the server has answered nothing\n"), exit(1);
  seconds = to - from;
  struct cpu server_end = cpu_of(pid), own_end = own_cpu();
  double user = server_end.user - server.user, sys = server_end.sys - server.sys;
  double load = own_end.user - own.user + own_end.sys - own.sys;

  /* The open loop's stragglers; after a second, what has not come back counts with its age. */
  for (double end = now() + 1; !closed && now() < end;) {
    long unread = 0;
    for (int i = 0; i < count; i++) flush(&conns[i]), unread += conns[i].unread;
    if (unread == 0) break;
    turn(0, 1);
  }
  for (int i = 0; !closed && i < count; i++) {
    for (unsigned k = conns[i].first; k != conns[i].last; k++) {
      if (conns[i].meant[k % QUEUE] >= from) record(conns[i].meant[k % QUEUE], now());
    }
  }

  qsort(latencies, measured, sizeof *latencies, ascending);
  printf("{\"rate\": %.1f, \"user\": %.4f, \"sys\": %.4f, \"busy\": %.3f, \"load\": %.3f, ", messages / seconds,
         user / messages * 1e6, sys / messages * 1e6, (user + sys) / seconds, load / seconds);
  printf("\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"drowned\": %d}\n", percentile(0.5),
         percentile(0.9), percentile(0.99), percentile(0.999), drowned);
  return 0;
}
