#include "net/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define ROOM ((size_t)512 << 10)

bool e5_gather_flush(struct e5_gather *gather) {
    size_t size = gather->used;
    gather->used = 0;
    return size == 0 || gather->give(gather->owner, gather->bytes, size);
}

static bool has_room(struct e5_gather *gather) {
    return gather->bytes != NULL || e5_alloc_plain(ROOM, &gather->bytes, NULL) == E5_OK;
}

bool e5_gather_add(struct e5_gather *gather, void *owner, const char *bytes, size_t size) {
    bool fits = gather->owner == owner && gather->used + size <= ROOM;
    bool taken = fits || e5_gather_flush(gather) || gather->owner != owner;
    gather->owner = owner;
    if (!taken || size > ROOM || !has_room(gather)) return taken && gather->give(owner, bytes, size);
    memcpy(gather->bytes + gather->used, bytes, size);
    gather->used += size;
    return true;
}

void e5_gather_forget(struct e5_gather *gather, const void *owner) {
    if (gather->owner == owner) gather->used = 0;
}

void e5_gather_fini(struct e5_gather *gather) {
    free(gather->bytes);
    gather->bytes = NULL;
    gather->used = 0;
}
