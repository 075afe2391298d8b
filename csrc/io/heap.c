#include "io/heap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define WINDOW ((size_t)1 << 20)
#define HEADER_SIZE 16 /* of a heap, and of an object in it */

static uint64_t little_endian(const uint8_t *from, int bytes) {
    uint64_t value = 0;
    while (bytes-- > 0) value = value << 8 | from[bytes];
    return value;
}

/* Objects fill the heap one after the other, each a multiple of 8 bytes; number 0 is free space, whose size counts
 * its own header. */
static bool objects_fit(const uint8_t *at, uint64_t left) {
    while (left >= HEADER_SIZE) {
        uint64_t number = little_endian(at, 2), size = little_endian(at + 8, 8);
        if (size > left) return false;
        uint64_t need = number == 0 ? size : HEADER_SIZE + (size + 7) / 8 * 8;
        if (need < HEADER_SIZE || need > left) return false;
        at += need;
        left -= need;
    }
    return true;
}

/* A heap that begins at `at`; one that reaches over the window's end is judged by its size only. */
static bool heap_fits(const uint8_t *at, size_t left, uint64_t in_file) {
    if (left < HEADER_SIZE) return true;
    uint64_t size = little_endian(at + 8, 8);
    if (size < HEADER_SIZE || size > in_file) return false;
    return size > left || objects_fit(at + HEADER_SIZE, size - HEADER_SIZE);
}

static enum e5_status check_window(const char *path, int descriptor, const struct e5_probe *probe, uint64_t start,
                                   uint8_t *window, struct e5_error *err) {
    static const char mark[] = "GCOL\1\0\0"; /* with the NUL at its end: version 1 and three zeros */
    size_t size = probe->size - start < WINDOW ? (size_t)(probe->size - start) : WINDOW;
    enum e5_status status = e5_probe_read(path, descriptor, start, window, size, err);
    const uint8_t *end = window + size, *at = window;
    while (status == E5_OK && (at = memmem(at, (size_t)(end - at), mark, sizeof mark)) != NULL) {
        if (!heap_fits(at, (size_t)(end - at), probe->size - start - (uint64_t)(at - window)))
            status = e5_probe_fail(err, E5_CORRUPT, path, "download it again", "damaged: a heap of its header");
        at++;
    }
    return status;
}

enum e5_status e5_heap_check(const char *path, const struct e5_probe *probe, struct e5_error *err) {
    uint8_t *window = NULL;
    int descriptor = -1;
    enum e5_status status = e5_probe_reopen(path, probe, &descriptor, err);
    if (status != E5_OK) return status;
    status = e5_alloc(WINDOW, 1, &window, err);
    if (status == E5_OK) status = check_window(path, descriptor, probe, 0, window, err);
    if (status == E5_OK && probe->size > WINDOW)
        status = check_window(path, descriptor, probe, probe->size - WINDOW, window, err);
    free(window);
    close(descriptor);
    return status;
}
