/*
 * A select server for 32-bit x86, without a C library: cc -m32 -nostdlib. The second argument names how it waits, and
 * how it makes its calls: select (_newselect), pselect (pselect6), old (select and socketcall with one pointer).
 */
__asm__(".globl _start\n_start: lea 4(%esp), %eax\n push %eax\n call run\n");

static int call(int number, int a, int b, int c, int d, int e, int f) {
  int args[] = {number, a, b, c, d, e, f}, result;
  __asm__ volatile("push %%ebp\n push %%ebx\n mov 24(%1), %%ebp\n mov 4(%1), %%ebx\n mov 8(%1), %%ecx\n"
                   "mov 12(%1), %%edx\n mov 16(%1), %%esi\n mov 20(%1), %%edi\n mov (%1), %%eax\n"
                   "int $0x80\n pop %%ebx\n pop %%ebp"
                   : "=a"(result) : "a"(args) : "ecx", "edx", "esi", "edi", "memory");
  return result;
}

static char how, out[8192];
static int length, ports[32];

/* number: of the call itself; which: for socketcall(2) */
static int net(int number, int which, int a, int b, int c, int d, int e) {
  int args[] = {a, b, c, d, e};
  return how == 'o' ? call(102, which, (int)args, 0, 0, 0, 0) : call(number, a, b, c, d, e, 0);
}

static void text(const char *from) { while (*from) out[length++] = *from++; }
static void number(unsigned value) {
  if (value > 9) number(value / 10);
  out[length++] = '0' + value % 10;
}
static void address(int fd) { text("('127.0.0.1', "); number(ports[fd]); text(")"); }
static void print(void) { text("\n"); call(4, 1, (int)out, length, 0, 0, 0); length = 0; }
static unsigned swapped(unsigned port) { return (port >> 8 | port << 8) & 0xffff; }

static int wait(unsigned *set) {
  int old[] = {32, (int)set, 0, 0, 0};
  if (how == 'o') return call(82, (int)old, 0, 0, 0, 0, 0);
  if (how == 'p') return call(308, 32, (int)set, 0, 0, 0, 0);
  return call(142, 32, (int)set, 0, 0, 0, 0);
}

static void serve(int fd, unsigned *all) {
  static char data[2048];
  int got = call(3, fd, (int)data, sizeof data - 1, 0, 0, 0);
  address(fd);
  if (got <= 0) {
    text(": disconnected");
    *all &= ~(1u << fd);
    call(6, fd, 0, 0, 0, 0, 0);
  } else {
    data[got] = '\0';
    text(" "); number(got); text(" bytes: b'"); text(data); text("'");
  }
  print();
}

__attribute__((used)) void run(char **argv) {
  unsigned port = 0, all;
  for (char *digit = argv[1]; *digit; digit++) port = 10 * port + *digit - '0';
  how = argv[2][0];
  struct { unsigned short family, port; unsigned host, rest[2]; } name = {2, swapped(port), 0x0100007f, {0}};
  int listener = net(359, 1, 2, 1, 0, 0, 0), yes = 1;
  net(366, 14, listener, 1, 2, (int)&yes, 4);
  net(361, 2, listener, (int)&name, sizeof name, 0, 0);
  net(363, 4, listener, 10, 0, 0, 0);
  all = 1u << listener;
  for (;;) {
    unsigned set[32] = {all};
    if (wait(set) < 0) continue;
    for (int fd = 0; fd < 32; fd++) {
      int size = sizeof name, conn;
      if (!(set[0] >> fd & 1)) continue;
      if (fd != listener) { serve(fd, &all); continue; }
      conn = how == 'o' ? net(0, 5, listener, (int)&name, (int)&size, 0, 0) : call(364, listener, (int)&name, (int)&size, 0, 0, 0);
      ports[conn] = swapped(name.port);
      all |= 1u << conn;
      address(conn); text(": connected"); print();
    }
  }
}
