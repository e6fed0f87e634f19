/* What the kernel allows: answers whatever arrives with one fixed line, and does nothing else. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char reply[] = "How do you do?\n";

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(int epoll, int listener) {
    int peer;
    while ((peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        watch(epoll, peer);
    }
}

static void answer(int peer) {
    char input[4096];
    if (recv(peer, input, sizeof input, 0) <= 0 ||
        send(peer, reply, sizeof reply - 1, MSG_NOSIGNAL) < 0) {
        close(peer);
    }
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((unsigned short)atoi(arguments[1])),
    };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(listener, 1024) < 0) {
        return 1;
    }
    int epoll = epoll_create1(0);
    watch(epoll, listener);
    struct epoll_event events[64];
    for (;;) {
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(epoll, listener);
            else answer(fd);
        }
    }
}
