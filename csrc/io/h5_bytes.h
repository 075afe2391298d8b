/* h5_bytes: bounded reads of an HDF5 file, and the numbers in what was read.
 *
 * Everything that the h5 family reads comes through here.  Addresses count from the file's base; a block that does
 * not lie in the file is E5_CORRUPT.  One walk (a call from outside) may read no more than a few times the file's
 * size, and all walks through objects together some 64 times it: honest structures lie beside each other, so only a
 * circle or a lie gets there, and that is E5_UNSAFE.  One thread at a time; blocks on disk. */
#ifndef E5_IO_H5_BYTES_H
#define E5_IO_H5_BYTES_H

#include "io/h5.h"

#define E5_H5_PAGES 16

struct e5_h5_page {
    uint8_t *bytes; /* NULL: not yet used */
    uint64_t start;
    size_t size;
    uint64_t used; /* when, in reads */
};

struct e5_h5 {
    char *path;
    int descriptor;
    const struct e5_watch *watch; /* or NULL */
    uint64_t base, size; /* where the HDF5 part begins; bytes of it */
    uint64_t root;
    unsigned address_bytes, length_bytes;
    const char *unknown;
    uint64_t left; /* bytes that the present walk may still read */
    uint64_t reads;
    struct e5_h5_page page[E5_H5_PAGES], *last;
    uint8_t *heap; /* the global heap read last */
    uint64_t heap_address, heap_size;
    size_t heap_objects;   /* length of the table: where in the heap object i lies, 0: nowhere */
    uint32_t *heap_object;
    uint64_t heaps_left;   /* bytes of heaps that may still be read */
    uint64_t objects_left; /* the same of objects: many links may lead to one */
};

/* --- reading --- */

void e5_h5_begin_walk(struct e5_h5 *h5);
E5_MUST_USE enum e5_status e5_h5_get(struct e5_h5 *h5, uint64_t address, size_t size, void *out,
                                     struct e5_error *err);
/* A copy of a block, to be freed. */
E5_MUST_USE enum e5_status e5_h5_load(struct e5_h5 *h5, uint64_t address, uint64_t size, uint8_t **out,
                                      struct e5_error *err);
/* The same for one that begins with `mark` (four letters) and ends with its checksum. */
E5_MUST_USE enum e5_status e5_h5_load_checked(struct e5_h5 *h5, uint64_t address, uint64_t size, const char *mark,
                                              uint8_t **out, struct e5_error *err);
/* The same for one whose mark is followed by a version number, which must be 0. */
E5_MUST_USE enum e5_status e5_h5_load_first(struct e5_h5 *h5, uint64_t address, uint64_t size, const char *mark,
                                            uint8_t **out, struct e5_error *err);
uint32_t e5_h5_checksum(const uint8_t *bytes, size_t size);
/* Do the last four bytes hold the checksum of those before? */
bool e5_h5_is_sound(const uint8_t *bytes, size_t size);
bool e5_h5_same_checksum(const uint8_t *bytes, size_t size, uint32_t noted);
bool e5_h5_holds(const struct e5_h5 *h5, uint64_t address, uint64_t size); /* does the block lie in the file? */

/* --- judgements --- */

E5_MUST_USE enum e5_status e5_h5_corrupt(const struct e5_h5 *h5, struct e5_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
E5_MUST_USE enum e5_status e5_h5_unsafe(const struct e5_h5 *h5, struct e5_error *err, const char *what);
/* E5_INPUT; `clause` is one of a sentence about the file: "it uses …". */
E5_MUST_USE enum e5_status e5_h5_not_known(struct e5_h5 *h5, struct e5_error *err, const char *clause);

/* --- numbers one after the other --- */

/* What lies beyond the end is read as 0 and noted. */
struct e5_h5_cursor {
    const uint8_t *at, *end;
    bool overrun;
};

static inline uint64_t e5_h5_number(const uint8_t *from, unsigned bytes) { /* little endian */
    uint64_t value = 0;
    while (bytes-- > 0) value = value << 8 | from[bytes];
    return value;
}

/* Where the next `bytes` bytes begin; NULL beyond the end. */
static inline const uint8_t *e5_h5_skip(struct e5_h5_cursor *cursor, uint64_t bytes) {
    const uint8_t *at = cursor->at;
    if (cursor->overrun || bytes > (uint64_t)(cursor->end - at)) {
        cursor->overrun = true;
        return NULL;
    }
    cursor->at += bytes;
    return at;
}

static inline uint64_t e5_h5_take(struct e5_h5_cursor *cursor, unsigned bytes) { /* at most 8 */
    const uint8_t *at = e5_h5_skip(cursor, bytes);
    return at != NULL ? e5_h5_number(at, bytes) : 0;
}

uint64_t e5_h5_take_address(const struct e5_h5 *h5, struct e5_h5_cursor *cursor); /* E5_NOWHERE: undefined */
uint64_t e5_h5_take_length(const struct e5_h5 *h5, struct e5_h5_cursor *cursor);
unsigned e5_h5_log2(uint64_t value);        /* rounded down; 0 of 0 */
unsigned e5_h5_bytes_for(uint64_t greatest); /* bytes that HDF5 stores numbers up to `greatest` in */

#endif
