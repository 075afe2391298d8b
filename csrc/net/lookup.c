#include "net/lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define UNKNOWN_HOST_TRIES 3

struct e5_name {
    char host[256];
    bool reached;
    unsigned misses; /* in a row */
};

struct e5_lookup {
    char host[256];
    atomic_int verdict, holders; /* the thread and the owner; the last one frees it */
    enum e5_reach reach;         /* set before the verdict */
};

static void let_go(struct e5_lookup *lookup) {
    if (atomic_fetch_sub(&lookup->holders, 1) == 1) free(lookup);
}

static enum e5_lookup_verdict verdict_of(int code) {
    switch (code) {
    case 0: return E5_LOOKUP_FOUND;
    case EAI_NONAME:
#ifdef EAI_NODATA
    case EAI_NODATA: /* the name exists without an address */
#endif
        return E5_LOOKUP_UNKNOWN;
    default: return E5_LOOKUP_SILENT;
    }
}

static void *run(void *argument) {
    struct e5_lookup *lookup = argument;
    struct addrinfo *found = NULL;
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    int code = getaddrinfo(lookup->host, NULL, &wanted, &found);
    for (const struct addrinfo *one = found; code == 0 && one != NULL; one = one->ai_next) {
        enum e5_reach reach = e5_reach_of(one->ai_addr);
        if (reach > lookup->reach) lookup->reach = reach;
    }
    if (code == 0) freeaddrinfo(found);
    atomic_store(&lookup->verdict, verdict_of(code));
    let_go(lookup);
    return NULL;
}

/* Signals are the host's: none is taken by this thread. */
static int start_quietly(struct e5_lookup *lookup) {
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0) return -1;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&thread, &attributes, run, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return code;
}

struct e5_lookup *e5_lookup_start(const char *host) {
    struct e5_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) return NULL;
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    atomic_init(&lookup->verdict, E5_LOOKUP_RUNNING);
    atomic_init(&lookup->holders, 2);
    if (start_quietly(lookup) == 0) return lookup;
    free(lookup);
    return NULL;
}

enum e5_lookup_verdict e5_lookup_verdict(const struct e5_lookup *lookup) {
    return lookup != NULL ? (enum e5_lookup_verdict)atomic_load(&lookup->verdict) : E5_LOOKUP_SILENT;
}

bool e5_lookup_reach(const struct e5_lookup *lookup, enum e5_reach *out) {
    if (e5_lookup_verdict(lookup) != E5_LOOKUP_FOUND) return false;
    *out = lookup->reach;
    return true;
}

void e5_lookup_free(struct e5_lookup *lookup) {
    if (lookup != NULL) let_go(lookup);
}

static struct e5_name *find(struct e5_names *names, const char *host) {
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i].host, host) == 0) return &names->list[i];
    if (e5_grow(names->count, names->count + 1, sizeof *names->list, &names->list, NULL) != E5_OK) return NULL;
    struct e5_name *name = &names->list[names->count++];
    snprintf(name->host, sizeof name->host, "%s", host);
    return name;
}

void e5_names_reached(struct e5_names *names, const char *host) {
    struct e5_name *name = find(names, host);
    if (name == NULL) return;
    name->reached = true;
    name->misses = 0;
}

bool e5_names_missed(struct e5_names *names, const char *host) {
    struct e5_name *name = find(names, host);
    return name != NULL && !name->reached && ++name->misses >= UNKNOWN_HOST_TRIES;
}

void e5_names_fini(struct e5_names *names) { free(names->list); }
