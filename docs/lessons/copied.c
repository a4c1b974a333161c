/* Two pipes and one fd_set: what is left in the set after select has returned? */
#include <stdio.h>
#include <sys/select.h>
#include <unistd.h>

int a[2], b[2];

void show(const char *when, fd_set *set) {
    printf("%s", when);
    if (FD_ISSET(a[0], set)) printf(" a");
    if (FD_ISSET(b[0], set)) printf(" b");
    printf("\n");
}

int main(void) {
    fd_set all, readfds;
    struct timeval timeout = {0, 0};
    char byte;

    if (pipe(a) < 0 || pipe(b) < 0) return 1;
    FD_ZERO(&all);
    FD_SET(a[0], &all);
    FD_SET(b[0], &all);

    readfds = all;
    write(a[1], "x", 1);
    show("asked for:", &readfds);
    select(b[0] + 1, &readfds, NULL, NULL, &timeout);
    show("ready:", &readfds);
    read(a[0], &byte, 1);

    write(b[1], "x", 1);
    printf("\nNow b has a byte. The set as select left it:\n");
    show("asked for:", &readfds);
    printf("select returns %d\n", select(b[0] + 1, &readfds, NULL, NULL, &timeout));

    printf("\nA fresh copy:\n");
    readfds = all;
    show("asked for:", &readfds);
    printf("select returns %d\n", select(b[0] + 1, &readfds, NULL, NULL, &timeout));
    show("ready:", &readfds);
}
