#include "io/classic.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"

#define FIRST_READ ((size_t)256 << 10)
#define HEADER_MAX ((size_t)128 << 20) /* the largest read of the series 256 KiB, 2, 16, 128 MiB */
#define DIMS_MAX 1024
#define LIST_MAX 65536 /* dimensions, variables or attributes in one list */

struct walk {
    const uint8_t *bytes; /* the beginning of the file … */
    size_t size, at;      /* … of which so much was read, and so much was walked */
    uint64_t file_size;
    bool wide;            /* CDF-5: counts of 8 bytes */
    bool far;             /* CDF-2 and 5: addresses of 8 bytes */
    bool more;            /* the header goes on behind `size` */
    const char *fault;
    bool unsafe;          /* the fault is a claim that cannot be true */
    uint64_t dim[DIMS_MAX];
    size_t dims;
    uint64_t records;     /* length of the record dimension; UINT64_MAX: not noted */
    uint64_t end;         /* of the data without records, and of the first record's */
    uint64_t record_end, record_size;
    size_t record_vars;
    uint64_t only_size;   /* unpadded size of the first record variable */
};

static bool stopped(const struct walk *w) { return w->more || w->fault != NULL; }

static void fault(struct walk *w, const char *what) {
    if (!stopped(w)) w->fault = what;
}

static void claim(struct walk *w, const char *what) {
    if (stopped(w)) return;
    w->fault = what;
    w->unsafe = true;
}

static bool reach(struct walk *w, uint64_t n) {
    if (stopped(w)) return false;
    if (n > w->file_size - w->at)
        fault(w, "cut short in its header");
    else if (n > w->size - w->at)
        w->more = true;
    return !stopped(w);
}

static uint64_t number(struct walk *w, size_t width) {
    uint64_t value = 0;
    if (!reach(w, width)) return 0;
    for (size_t i = 0; i < width; i++) value = value << 8 | w->bytes[w->at++];
    return value;
}

static uint64_t count(struct walk *w) { return number(w, w->wide ? 8 : 4); }

static void skip(struct walk *w, uint64_t n) {
    if (n > w->file_size)
        fault(w, "cut short in its header");
    else if (reach(w, (n + 3) / 4 * 4))
        w->at += (size_t)((n + 3) / 4 * 4);
}

static uint64_t type_size(struct walk *w) {
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8};
    uint64_t type = number(w, 4);
    if (type >= 1 && type < sizeof sizes) return sizes[type];
    fault(w, "damaged: a number type that does not exist");
    return 1;
}

/* Length of a list after its tag; an absent list has two zeros. */
static uint64_t list(struct walk *w, uint64_t tag) {
    uint64_t found = number(w, 4), length = count(w);
    if (found != tag && (found != 0 || length != 0)) fault(w, "damaged: a list in the header has a wrong mark");
    if (length > LIST_MAX) claim(w, "its header claims more than 65536 entries");
    return stopped(w) ? 0 : length;
}

static void walk_attributes(struct walk *w) {
    for (uint64_t n = list(w, 12); n > 0 && !stopped(w); n--) {
        skip(w, count(w));
        uint64_t size = type_size(w), length = count(w);
        if (length > w->file_size) fault(w, "cut short in its header");
        skip(w, stopped(w) ? 0 : length * size);
    }
}

static void walk_dimensions(struct walk *w) {
    uint64_t n = list(w, 10);
    if (n > DIMS_MAX) claim(w, "its header claims more than 1024 dimensions");
    for (; n > 0 && !stopped(w); n--) {
        skip(w, count(w));
        w->dim[w->dims++] = count(w);
    }
}

/* Values of one variable, or of one of its records. */
static uint64_t walk_shape(struct walk *w, bool *record) {
    uint64_t n = count(w), size = 1;
    *record = false;
    if (n > DIMS_MAX) claim(w, "its header claims more than 1024 dimensions");
    for (uint64_t d = 0; d < n && !stopped(w); d++) {
        uint64_t id = count(w);
        if (id >= w->dims)
            fault(w, "damaged: an unknown dimension");
        else if (d == 0 && w->dim[id] == 0)
            *record = true;
        else if (__builtin_mul_overflow(size, w->dim[id], &size))
            claim(w, "its header claims more than the address space");
    }
    return size;
}

static void note_record(struct walk *w, uint64_t end, uint64_t size) {
    if (w->record_vars++ == 0) w->only_size = size;
    if (end > w->record_end) w->record_end = end;
    if (__builtin_add_overflow(w->record_size, (size + 3) / 4 * 4, &w->record_size))
        claim(w, "its header claims more than the address space");
}

static void walk_variable(struct walk *w) {
    bool record;
    skip(w, count(w));
    uint64_t size = walk_shape(w, &record), end = 0;
    walk_attributes(w);
    uint64_t element = type_size(w);
    count(w); /* the size as noted: of no use for variables above 4 GiB */
    uint64_t begin = number(w, w->far ? 8 : 4);
    bool overflow = __builtin_mul_overflow(size, element, &size) || size > UINT64_MAX - 4 ||
                    __builtin_add_overflow(begin, size, &end);
    if (overflow) claim(w, "its header claims more than the address space");
    if (stopped(w)) return;
    if (record)
        note_record(w, end, size);
    else if (end > w->end && size > 0)
        w->end = end;
}

/* Where the last record ends; a single record variable is not padded. */
static uint64_t last_end(struct walk *w) {
    uint64_t size = w->record_vars == 1 ? w->only_size : w->record_size, more;
    if (w->record_vars == 0 || w->records == 0 || w->records == UINT64_MAX) return w->end;
    if (__builtin_mul_overflow(w->records - 1, size, &more) || __builtin_add_overflow(more, w->record_end, &more))
        return UINT64_MAX;
    return more > w->end ? more : w->end;
}

static void walk_header(struct walk *w) {
    uint64_t magic = number(w, 4);
    w->wide = (magic & 0xFF) == 5;
    w->far = (magic & 0xFF) != 1;
    w->records = count(w);
    if (w->records == (w->wide ? UINT64_MAX : UINT32_MAX)) w->records = UINT64_MAX;
    walk_dimensions(w);
    walk_attributes(w);
    for (uint64_t n = list(w, 11); n > 0 && !stopped(w); n--) walk_variable(w);
}

static enum e5_status judge(const char *path, struct walk *w, struct e5_error *err) {
    uint64_t end = last_end(w);
    if (w->unsafe) return e5_probe_fail(err, E5_UNSAFE, path, "do not trust this file", "%s", w->fault);
    if (w->fault != NULL) return e5_probe_fail(err, E5_CORRUPT, path, "download it again", "%s", w->fault);
    if (end <= w->file_size) return E5_OK;
    return e5_probe_fail(err, E5_CORRUPT, path, "download it again", "cut short: %llu of %llu bytes",
                         (unsigned long long)w->file_size, (unsigned long long)end);
}

static enum e5_status read_head(const char *path, const struct e5_probe *probe, size_t size, uint8_t **out,
                                struct e5_error *err) {
    int descriptor = -1;
    *out = NULL;
    enum e5_status status = e5_probe_reopen(path, probe, &descriptor, err);
    if (status != E5_OK) return status;
    status = e5_alloc(size, 1, out, err);
    if (status == E5_OK) status = e5_probe_read(path, descriptor, 0, *out, size, err);
    close(descriptor);
    return status;
}

enum e5_status e5_classic_check(const char *path, const struct e5_probe *probe, struct e5_error *err) {
    enum e5_status status = E5_OK;
    bool again = true;
    for (size_t size = FIRST_READ; again && status == E5_OK; size *= 8) {
        struct walk w = {.file_size = probe->size, .size = size < probe->size ? size : (size_t)probe->size};
        uint8_t *bytes = NULL;
        if (size > HEADER_MAX)
            return e5_probe_fail(err, E5_UNSAFE, path, "do not trust this file", "a header of more than 128 MiB");
        status = read_head(path, probe, w.size, &bytes, err);
        w.bytes = bytes;
        if (status == E5_OK) walk_header(&w);
        again = w.more;
        if (status == E5_OK && !again) status = judge(path, &w, err);
        free(bytes);
    }
    return status;
}
