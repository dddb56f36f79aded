/* A Modbus server of libmodbus for the tests: unit 1 with numbers of every kind in every order, written by libmodbus where it has a writer.
 *
 * usage: slave tcp PORT | slave rtu DEVICE
 */
#include <errno.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint16_t swapped(uint16_t r) { return (uint16_t)(r << 8 | r >> 8); }

/* put writes n registers, given highest first, in one of the orders ABCD, CDAB, BADC, DCBA. */
static void put(uint16_t *at, const uint16_t *high_first, int n, int order) {
    for (int i = 0; i < n; i++) {
        uint16_t r = high_first[order & 1 ? n - 1 - i : i];
        at[i] = order & 2 ? swapped(r) : r;
    }
}

static void put16(uint16_t *at, uint16_t v, int order) { put(at, &v, 1, order); }

static void put32(uint16_t *at, uint32_t v, int order) {
    uint16_t t[2];
    MODBUS_SET_INT32_TO_INT16(t, 0, v);
    put(at, t, 2, order);
}

static void put64(uint16_t *at, uint64_t v, int order) {
    uint16_t t[4];
    MODBUS_SET_INT64_TO_INT16(t, 0, v);
    put(at, t, 4, order);
}

static void values(modbus_mapping_t *map) {
    float f = 98765.4375f; /* not by modbus_set_float_abcd and its kin, which in 3.1.6 swap the bytes of each register */
    uint32_t half;
    double d = 12345678.901234;
    uint64_t bits;
    memcpy(&half, &f, sizeof half);
    memcpy(&bits, &d, sizeof bits);
    for (int order = 0; order < 4; order++) {
        uint16_t *at = map->tab_registers + 20 * order;
        put16(at, 12345, order);
        put16(at + 1, (uint16_t)-1234, order);
        put32(at + 2, 0xCAFEBABE, order);
        put32(at + 4, (uint32_t)-123456789, order);
        put32(at + 6, half, order);
        put64(at + 8, 0x0102030405060708ULL, order);
        put64(at + 12, (uint64_t)-1234567890123456789LL, order);
        put64(at + 16, bits, order);
    }
    for (int i = 0; i < 100; i++) map->tab_input_registers[i] = (uint16_t)(257 * i);
    for (int i = 0; i < 40; i++) map->tab_bits[i] = i % 3 == 0, map->tab_input_bits[i] = i % 5 == 0;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int tcp = strcmp(argv[1], "tcp") == 0, listener = -1;
    modbus_t *m = tcp ? modbus_new_tcp("127.0.0.1", atoi(argv[2])) : modbus_new_rtu(argv[2], 9600, 'N', 8, 1);
    modbus_mapping_t *map = modbus_mapping_new(40, 40, 100, 100);
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    if (!m || !map) return 1;
    modbus_set_slave(m, 1);
    values(map);
    if (tcp && (listener = modbus_tcp_listen(m, 4)) < 0) return perror("listen"), 1;
    if (!tcp && modbus_connect(m) < 0) return perror("open"), 1;
    for (;;) {
        if (tcp && modbus_tcp_accept(m, &listener) < 0) return 1;
        for (;;) {
            int n = modbus_receive(m, query);
            if (n > 0) modbus_reply(m, query, n, map);
            else if (n < 0 && tcp) break;
        }
        close(modbus_get_socket(m));
    }
}
