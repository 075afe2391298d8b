/* loopback: a tiny HTTP server in a thread, for tests: one request per connection, one connection after the other.
 *
 * The test gives a function that sees the request (the head and, behind an empty line, the body) and writes the whole
 * reply; writing nothing closes the connection without a reply. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct loopback_reply {
    int socket;
};

typedef void (*loopback_fn)(const char *request, struct loopback_reply *reply);

struct loopback {
    pthread_t thread;
    loopback_fn answer;
    int socket;
    atomic_int requests, tokens; /* tokens: requests that carried PRIVATE-TOKEN */
    char origin[64];
};

static inline void loopback_write(struct loopback_reply *reply, const void *bytes, size_t size) {
    for (const char *at = bytes; size > 0;) {
        ssize_t sent = send(reply->socket, at, size, MSG_NOSIGNAL);
        if (sent <= 0) return;
        at += sent;
        size -= (size_t)sent;
    }
}

/* `announced` is what Content-Length says; more headers end with CR LF each. */
static inline void loopback_head(struct loopback_reply *reply, int status, size_t announced, const char *more) {
    char head[2048];
    int length = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n",
                          status, announced, more);
    loopback_write(reply, head, (size_t)length);
}

static inline void loopback_text(struct loopback_reply *reply, int status, const char *text) {
    loopback_head(reply, status, strlen(text), "");
    loopback_write(reply, text, strlen(text));
}

/* Read the head and as much body as it announces. */
static inline void loopback_read(int connection, char *text, size_t size) {
    size_t used = 0, need = size;
    while (used < need && used < size - 1) {
        ssize_t got = recv(connection, text + used, size - 1 - used, 0);
        if (got <= 0) break;
        used += (size_t)got;
        text[used] = '\0';
        const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");
        if (end != NULL) need = (size_t)(end - text) + 4 + (length != NULL ? strtoul(length + 15, NULL, 10) : 0);
    }
    text[used] = '\0';
}

static inline void *loopback_run(void *argument) {
    struct loopback *server = argument;
    static _Thread_local char text[65536];
    int connection;
    while ((connection = accept(server->socket, NULL, NULL)) >= 0) {
        struct loopback_reply reply = {connection};
        loopback_read(connection, text, sizeof text);
        if (strcasestr(text, "private-token") != NULL) atomic_fetch_add(&server->tokens, 1);
        atomic_fetch_add(&server->requests, 1);
        server->answer(text, &reply);
        shutdown(connection, SHUT_WR);
        close(connection);
    }
    return NULL;
}

static inline void loopback_start(struct loopback *server, loopback_fn answer) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->answer = answer;
    server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->socket, (struct sockaddr *)&address, size) != 0 || listen(server->socket, 64) != 0) abort();
    getsockname(server->socket, (struct sockaddr *)&address, &size);
    snprintf(server->origin, sizeof server->origin, "http://127.0.0.1:%d", ntohs(address.sin_port));
    if (pthread_create(&server->thread, NULL, loopback_run, server) != 0) abort();
}

static inline void loopback_stop(struct loopback *server) {
    shutdown(server->socket, SHUT_RDWR); /* wakes accept() */
    pthread_join(server->thread, NULL);
    close(server->socket);
}

#endif
