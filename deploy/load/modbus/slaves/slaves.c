/* Many Modbus TCP servers of libmodbus in one process, which judge who polls them.
 *
 * usage: slaves FIRST-PORT PORTS UNITS HANG
 *
 * Every port has UNITS units, from 1. Of all units counted through, every HANGth hears and never answers; 0: none. Each line on standard input
 * is answered by one on standard output: questions put to the living, polls of them missed, the longest wait of any of them in milliseconds, and
 * questions put to the dead, all since the line before. A poll is missed for every whole second that a unit was asked late. They end with their input.
 */
#include <modbus.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static int units, hang, ports;
static double last[MOST * 8];
static long asked, missed, dead;
static double longest;

/* wait notes that a unit was not asked from `from` until `until`. */
static void waited(double from, double until) {
    double gap = until - from;
    if (gap > longest) longest = gap;
    if (gap > 1.5) missed += (long)(gap + 0.5) - 1;
}

/* living counts a question and says whether the unit answers. */
static int living(int port, int unit) {
    int i = port * units + unit - 1;
    if (hang && i % hang == hang - 1) return dead++, 0;
    double t = now();
    waited(last[i], t);
    last[i] = t;
    return asked++, 1;
}

static void report(void) {
    double t = now();
    for (int i = 0; i < ports * units; i++) {
        if (hang && i % hang == hang - 1) continue;
        if (t - last[i] > 1.5) waited(last[i], t), last[i] = t;
    }
    printf("%ld %ld %.0f %ld\n", asked, missed, longest * 1000, dead);
    fflush(stdout);
    asked = missed = dead = 0, longest = 0;
}

int main(int argc, char **argv) {
    static struct pollfd fds[MOST];
    static int port_of[MOST];
    if (argc != 5) return 2;
    int first = atoi(argv[1]), n = 0;
    ports = atoi(argv[2]), units = atoi(argv[3]), hang = atoi(argv[4]);
    if (ports > 400 || units < 1 || units > 80) return 2;
    modbus_mapping_t *map = modbus_mapping_new(0, 0, 100, 100);
    map->tab_registers[1] = 12345, map->tab_registers[2] = 0x42f7;
    fds[n++] = (struct pollfd){.fd = 0, .events = POLLIN};
    for (int i = 0; i < ports; i++) {
        modbus_t *m = modbus_new_tcp("127.0.0.1", first + i);
        int s = modbus_tcp_listen(m, 64);
        if (s < 0) return perror("listen"), 1;
        port_of[n] = i;
        fds[n++] = (struct pollfd){.fd = s, .events = POLLIN};
    }
    for (int i = 0; i < ports * units; i++) last[i] = now();
    modbus_t *m = modbus_new_tcp("127.0.0.1", first);
    for (;;) {
        if (poll(fds, n, -1) < 0) return 1;
        if (fds[0].revents) {
            char line[64];
            if (!fgets(line, sizeof line, stdin)) return 0;
            report();
        }
        for (int i = 1; i < n; i++) {
            if (!fds[i].revents) continue;
            if (i <= ports) {
                modbus_set_socket(m, -1);
                int s = fds[i].fd, c = n < MOST ? modbus_tcp_accept(m, &s) : -1;
                if (c >= 0) port_of[n] = port_of[i], fds[n++] = (struct pollfd){.fd = c, .events = POLLIN};
                continue;
            }
            uint8_t q[MODBUS_TCP_MAX_ADU_LENGTH];
            modbus_set_socket(m, fds[i].fd);
            int size = modbus_receive(m, q);
            if (size < 0) {
                close(fds[i].fd);
                fds[i] = fds[--n], port_of[i] = port_of[n], i--;
            } else if (size > 6 && q[6] >= 1 && q[6] <= units && living(port_of[i], q[6])) {
                modbus_reply(m, q, size, map);
            }
        }
    }
}
