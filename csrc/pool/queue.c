#include "pool/queue.h"

#include <math.h>

#include "base/alloc.h"

#define FIRST_CAPACITY 16

static bool earlier(const struct e5_queue_entry *a, const struct e5_queue_entry *b) {
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void swap(struct e5_queue_entry *a, struct e5_queue_entry *b) {
    struct e5_queue_entry kept = *a;
    *a = *b;
    *b = kept;
}

static void rise(struct e5_queue_entry *heap, size_t at) {
    while (at > 0 && earlier(&heap[at], &heap[(at - 1) / 2])) {
        swap(&heap[at], &heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void sink(struct e5_queue_entry *heap, size_t count) {
    for (size_t at = 0, child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && earlier(&heap[child + 1], &heap[child])) child++;
        if (!earlier(&heap[child], &heap[at])) return;
        swap(&heap[at], &heap[child]);
    }
}

enum e5_status e5_queue_put(struct e5_queue *queue, double due, void *item, struct e5_error *err) {
    if (isnan(due)) return e5_fail(err, E5_INTERNAL, "a queue entry without a due time");
    if (queue->count == queue->capacity) {
        size_t larger = queue->capacity > 0 ? 2 * queue->capacity : FIRST_CAPACITY;
        enum e5_status status = e5_grow(queue->capacity, larger, sizeof *queue->heap, &queue->heap, err);
        if (status != E5_OK) return status;
        queue->capacity = larger;
    }
    queue->heap[queue->count] = (struct e5_queue_entry){due, queue->next_order++, item};
    rise(queue->heap, queue->count++);
    return E5_OK;
}

void *e5_queue_take(struct e5_queue *queue, double now) {
    if (queue->count == 0 || queue->heap[0].due > now) return NULL;
    void *item = queue->heap[0].item;
    queue->heap[0] = queue->heap[--queue->count];
    sink(queue->heap, queue->count);
    return item;
}

double e5_queue_next(const struct e5_queue *queue) { return queue->count > 0 ? queue->heap[0].due : INFINITY; }

void e5_queue_fini(struct e5_queue *queue) {
    free(queue->heap);
    *queue = (struct e5_queue){0};
}
