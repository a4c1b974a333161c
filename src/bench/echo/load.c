/* The load on an echo server: load PORT PID CONNS SIZE IDLE WARM SECONDS RATE
   One message is under way on a connection, never more.
   RATE 0: closed loop, each connection sends its next message when the last one has come back.
   RATE above: open loop, messages are due at that rate whatever comes back. What is due and finds every connection
   busy waits its turn; a latency counts from the moment a message was due, so that a server that stalls cannot hide it.
   WARM: seconds before the measured ones.
   SECONDS 0: no load, but the server's memory for CONNS connections more.
   Prints JSON: per message µs, memory in bytes, shares of a core. */
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "../bench.h"
#include "usage.h"

enum { BUFFER_SIZE = 65536, BURST = 64, MAX_WAIT_S = 20 };

#ifdef __linux__
enum { DISCARD = MSG_TRUNC }; /* what has come back is counted, not copied (man 7 tcp) */
#else
enum { DISCARD = 0 };
#endif

struct conn {
  int fd;
  long unread; /* bytes of the message under way */
  double due;  /* when it was to be sent */
};

static struct conn *conns;
static int count, size, closed;
static char *message;
static struct sockaddr_in address;

/* The connections without a message, the longest so first: a ring. */
static int *resting;
static unsigned rested, woken;

/* The open loop. */
static double begin, rate;
static long sent;

static double from, to; /* the measured time */
static double slack;    /* of it, in which there was nothing to do */
static long messages;
static float *latencies; /* µs */
static size_t measured, room;
static int is_alone; /* on the only core */

static void *allocate(void *old, size_t bytes) {
  void *memory = realloc(old, bytes);
  if (memory == NULL) fail("realloc");
  return memory;
}

static void record(double due, double at) {
  if (measured == room) {
    room = room ? 2 * room : 1 << 20;
    latencies = allocate(latencies, room * sizeof *latencies);
  }
  latencies[measured++] = (float)((at - due) * 1e6);
}

static void submit(int i, double due) {
  conns[i].due = due;
  conns[i].unread = size;
  /* It fits into the socket's buffer: send does not wait. */
  if (send(conns[i].fd, message, size, 0) != size) fail("send");
}

static void take(int i) {
  static char trash[BUFFER_SIZE];
  ssize_t got = recv(conns[i].fd, trash, sizeof trash, MSG_DONTWAIT | DISCARD);
  if (got < 0 && errno == EAGAIN) return;
  if (got < 0) fail("recv");
  if (got == 0) fprintf(stderr, "the server has closed a connection\n"), exit(1);
  if ((conns[i].unread -= got) > 0) return;
  double at = now();
  int counts = at >= from && at < to;
  messages += counts;
  if (closed ? counts : conns[i].due >= from) record(conns[i].due, at);
  if (closed && at < to) {
    submit(i, at);
  } else {
    resting[rested++ % count] = i;
  }
}

#ifdef __linux__
#include "load_epoll.h"
#else
#include "load_poll.h"
#endif

static int connect_one(void) {
  int one = 1, bytes = 4 * size, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) fail("socket");
#ifdef TCP_CONGESTION
  setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4); /* which paces nothing by timers */
#endif
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

static void add_conns(int more) {
  conns = allocate(conns, (count + more) * sizeof *conns);
  resting = allocate(resting, (count + more) * sizeof *resting);
  for (int i = count; i < count + more; i++) {
    conns[i] = (struct conn){.fd = connect_one()};
    wait_for(i);
  }
  count += more;
  woken = 0;
  for (rested = 0; rested < (unsigned)count; rested++) resting[rested] = rested;
}

static int all_rest(void) {
  return rested - woken == (unsigned)count;
}

static int next_resting(void) {
  return resting[woken++ % count];
}

/* One message and its echo on each. */
static void greet(void) {
  while (woken != rested) submit(next_resting(), now());
  while (!all_rest()) take_ready(-1);
}

static void rest(double seconds) {
  for (double end = now() + seconds; now() < end;) usleep(10000);
}

static void memory(int pid, int more) {
  add_conns(10);
  for (double end = now() + 0.4; now() < end;) greet();
  rest(0.2);
  double before = resident(pid);
  add_conns(more);
  for (int i = 0; i < 3; i++) greet();
  rest(0.2);
  printf("{\"bytes\": %.0f}\n", (resident(pid) - before) / more);
}

/* When the next message is due. */
static double due(void) {
  return begin + sent / rate;
}

/* What is due goes out, as far as there is a connection for it; what has come back is taken. Not all that is due at
   once: what has come back must not wait to be read. Sleeping is not done: a server here would have to pay for waking
   the generator, which no server does over a network. */
static void turn(double at) {
  for (int i = 0; !closed && i < BURST && woken != rested && due() <= at && due() < to; i++) {
    submit(next_resting(), due());
    sent++;
  }
  if (take_ready(0) > 0) return;
  if (is_alone) sched_yield();
  slack += now() - at;
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static double percentile(double part) {
  return measured == 0 ? 0 : latencies[(size_t)((measured - 1) * part)];
}

int main(int argc, char **argv) {
  if (argc < 9) return 2;
  int pid = atoi(argv[2]), wanted = atoi(argv[3]), idle = atoi(argv[5]);
  double warm = atof(argv[6]), seconds = atof(argv[7]), at = 0;
  size = atoi(argv[4]);
  rate = atof(argv[8]);
  closed = rate == 0;
  message = allocate(NULL, size);
  memset(message, 'x', size);
  address.sin_family = AF_INET;
  address.sin_port = htons(atoi(argv[1]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  is_alone = sysconf(_SC_NPROCESSORS_ONLN) == 1;
  wait_start();
  if (seconds == 0) {
    memory(pid, wanted);
    return 0;
  }
  for (int i = 0; i < idle; i++) connect_one();
  add_conns(wanted);
  greet();

  from = to = INFINITY;
  begin = now();
  while (closed && woken != rested) submit(next_resting(), begin);
  while ((at = now()) < begin + warm) turn(at);

  struct clocks clocks = clocks_of(pid);
  double own = own_cpu();
  slack = 0;
  from = now();
  to = from + seconds;
  while ((at = now()) < to || (messages == 0 && at < from + MAX_WAIT_S)) {
    if (at >= to) { /* the machine was busy with others: this time measured nothing */
      to = at + seconds;
      while (closed && woken != rested) submit(next_resting(), at); /* what was answered after its end */
    }
    turn(at);
  }
  if (messages == 0) fprintf(stderr, "the server has answered nothing\n"), exit(1);
  seconds = to - from;
  double passed = at - from; /* more, where this process had no core at the end: its CPU and slack are of that time */
  struct cpu cpu = cpu_between(clocks, clocks_of(pid));
  /* What it spun with nothing to do is no load: as much of its CPU as of its time. */
  double load = (own_cpu() - own) * (1 - slack / passed);

  /* The open loop's rest; in the end, what is under way or has not even been sent counts with its age. */
  double last = to + MAX_WAIT_S;
  while (!closed && (due() < to || !all_rest()) && (at = now()) < last) turn(at);
  for (int i = 0; !closed && i < count; i++) {
    if (conns[i].unread > 0 && conns[i].due >= from) record(conns[i].due, at);
  }
  for (; !closed && due() < to; sent++) record(due(), at);

  qsort(latencies, measured, sizeof *latencies, ascending);
  printf("{\"rate\": %.1f, \"user\": %.4f, \"sys\": %.4f, \"busy\": %.3f, \"load\": %.3f, ", messages / seconds,
         cpu.user / messages * 1e6, cpu.sys / messages * 1e6, (cpu.user + cpu.sys) / passed, load / passed);
  printf("\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f}\n", percentile(0.5), percentile(0.9),
         percentile(0.99), percentile(0.999));
  return 0;
}
