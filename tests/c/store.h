/* store: an object store for tests that serves many connections at once and can be told to be slow or difficult.
 *
 * Byte i of the object is store_byte(i, version).  The switches are set while no request is on its way, unless they
 * are atomic. */
#ifndef STORE_H
#define STORE_H

#include <stdint.h>
#include <time.h>

#include "loopback.h"

static struct {
    int socket;
    pthread_t thread;
    char origin[64], etag[40];
    int64_t size;
    atomic_int rate;             /* MiB per second on each connection, 0: as fast as it goes */
    int64_t cut;          /* a connection is closed after so many bytes; 0: never */
    bool ignores_ranges;
    int most;             /* connections that get an answer other than 503; 0: all */
    atomic_int version;   /* of the object; its tag tells */
    int64_t change_at;    /* bytes after which there is another version; 0: never */
    atomic_int open, peak, requests, ranges, refusals;
    atomic_llong sent;
} store;

static inline unsigned char store_byte(int64_t i, int version) {
    return (unsigned char)((i * 2654435761u >> 13) + version + (i == 0 ? 0x80 : 0));
}

static inline void store_fill(char *block, int64_t from, size_t n, int version) {
    for (size_t i = 0; i < n; i++) block[i] = (char)store_byte(from + (int64_t)i, version);
}

static inline void store_pause(double seconds) {
    struct timespec wait = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&wait, NULL);
}

static inline void store_send(int connection, int64_t from, int64_t upto, int version) {
    static _Thread_local char block[256 << 10];
    int64_t begun = from;
    while (from < upto) {
        int64_t now = upto - from < (int64_t)sizeof block ? upto - from : (int64_t)sizeof block;
        if (store.cut > 0 && now > begun + store.cut - from) now = begun + store.cut - from;
        if (now <= 0) return;
        store_fill(block, from, (size_t)now, version);
        for (int64_t done = 0; done < now;) {
            ssize_t sent = send(connection, block + done, (size_t)(now - done), MSG_NOSIGNAL);
            if (sent <= 0) return;
            done += sent;
            atomic_fetch_add(&store.sent, sent);
        }
        from += now;
        if (store.change_at > 0 && from > store.change_at) atomic_store(&store.version, 1);
        if (store.rate > 0) store_pause((double)now / ((double)store.rate * (1 << 20)));
    }
}

static inline void store_answer(int connection, const char *request) {
    char head[400];
    const char *range = strstr(request, "Range: bytes="), *tag = strstr(request, "If-Range: ");
    int version = atomic_load(&store.version);
    int64_t from = 0, upto = store.size;
    char etag[50];
    snprintf(etag, sizeof etag, "\"v%d\"", version);
    if (range != NULL) {
        char *end;
        atomic_fetch_add(&store.ranges, 1);
        from = strtoll(range + 13, &end, 10);
        if (end[0] == '-' && end[1] >= '0' && end[1] <= '9') upto = strtoll(end + 1, NULL, 10) + 1;
    }
    bool changed = tag != NULL && strncmp(tag + 10, etag, strlen(etag)) != 0;
    if (range == NULL || store.ignores_ranges || changed) {
        from = 0;
        upto = store.size;
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: %s\r\nContent-Length: %lld\r\n\r\n", etag,
                 (long long)store.size);
    } else {
        snprintf(head, sizeof head,
                 "HTTP/1.1 206 OK\r\nConnection: close\r\nETag: %s\r\nContent-Length: %lld\r\n"
                 "Content-Range: bytes %lld-%lld/%lld\r\n\r\n",
                 etag, (long long)(upto - from), (long long)from, (long long)upto - 1, (long long)store.size);
    }
    send(connection, head, strlen(head), MSG_NOSIGNAL);
    store_send(connection, from, upto, version);
}

static inline void *store_connection(void *argument) {
    static const char refusal[] = "HTTP/1.1 503 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    char text[4096];
    int connection = (int)(intptr_t)argument, now = atomic_fetch_add(&store.open, 1) + 1;
    int peak = atomic_load(&store.peak);
    while (now > peak && !atomic_compare_exchange_weak(&store.peak, &peak, now)) continue;
    loopback_read(connection, text, sizeof text);
    atomic_fetch_add(&store.requests, 1);
    if (store.most > 0 && now > store.most) {
        atomic_fetch_add(&store.refusals, 1);
        send(connection, refusal, sizeof refusal - 1, MSG_NOSIGNAL);
    } else {
        store_answer(connection, text);
    }
    shutdown(connection, SHUT_WR);
    close(connection);
    atomic_fetch_sub(&store.open, 1);
    return NULL;
}

static inline void *store_run(void *argument) {
    int connection;
    (void)argument;
    while ((connection = accept(store.socket, NULL, NULL)) >= 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, store_connection, (void *)(intptr_t)connection) != 0) abort();
        pthread_detach(thread);
    }
    return NULL;
}

static inline void store_start(int64_t size) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    memset(&store, 0, sizeof store);
    store.size = size;
    store.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(store.socket, (struct sockaddr *)&address, length) != 0 || listen(store.socket, 64) != 0) abort();
    getsockname(store.socket, (struct sockaddr *)&address, &length);
    snprintf(store.origin, sizeof store.origin, "http://127.0.0.1:%d", ntohs(address.sin_port));
    if (pthread_create(&store.thread, NULL, store_run, NULL) != 0) abort();
}

static inline void store_stop(void) {
    shutdown(store.socket, SHUT_RDWR);
    pthread_join(store.thread, NULL);
    close(store.socket);
    while (atomic_load(&store.open) > 0) store_pause(0.001);
}

#endif
