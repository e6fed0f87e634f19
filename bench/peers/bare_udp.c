/* What the kernel allows: answers each datagram with one fixed line, and does nothing else. */

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

static const char reply[] = "How do you do?";

static int bound(int type, const struct sockaddr_in *addr) {
    int fd = socket(AF_INET, type, 0);
    if (bind(fd, (const struct sockaddr *)addr, sizeof *addr) < 0) exit(1);
    return fd;
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((unsigned short)atoi(arguments[1])),
    };
    int datagrams = bound(SOCK_DGRAM, &addr);
    /* Nobody is accepted: that connections are made tells that this process is ready. */
    if (listen(bound(SOCK_STREAM, &addr), 16) < 0) return 1;
    for (;;) {
        char input[4096];
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        if (recvfrom(datagrams, input, sizeof input, 0, (struct sockaddr *)&peer, &length) >= 0) {
            sendto(datagrams, reply, sizeof reply - 1, 0, (struct sockaddr *)&peer, length);
        }
    }
}
