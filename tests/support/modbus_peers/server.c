/* A Modbus server on libmodbus, for tests. "server tcp" prints its port; "server rtu <tty>" answers as unit 5 on a port.
   Holding and input register a hold a * 40503 mod 65536; holding 200 and up can be written and read back. */
#include <errno.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int rtu = argc == 3 && strcmp(argv[1], "rtu") == 0;
    modbus_t *bus = rtu ? modbus_new_rtu(argv[2], 115200, 'N', 8, 1) : modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(16, 16, 400, 400);
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int listening = -1;
    if (bus == NULL || map == NULL) return 1;
    for (int a = 0; a < 400; a++) map->tab_registers[a] = map->tab_input_registers[a] = (uint16_t)(a * 40503);
    for (int b = 0; b < 16; b++) map->tab_bits[b] = b % 3 == 0;
    if (rtu) {
        modbus_set_slave(bus, 5);
        if (modbus_connect(bus) == -1) return 2;
        printf("ready 0\n");
    } else {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address;
        listening = socket(AF_INET, SOCK_STREAM, 0);
        if (listening < 0 || bind(listening, (struct sockaddr *)&address, size) || listen(listening, 8)) return 3;
        getsockname(listening, (struct sockaddr *)&address, &size);
        printf("ready %d\n", ntohs(address.sin_port));
    }
    fflush(stdout);
    for (;;) {
        if (!rtu) {
            if (modbus_tcp_accept(bus, &listening) == -1) return 4;
        }
        for (;;) {
            int length = modbus_receive(bus, query);
            if (length > 0) modbus_reply(bus, query, length, map);
            else if (length == -1 && !(rtu && errno == EMBBADCRC)) break;
        }
        if (rtu) return 0;
    }
}
