#include "io/archive.h"

#include <string.h>

#include "base/alloc.h"
#include "io/archive_data.h"
#include "io/archive_record.h"

#define MOST_MEMBERS 10000u
#define RECORD_MAX ((size_t)E5_ZIP_CENTRAL_SIZE + E5_ZIP_NAME_MAX + E5_ZIP_EXTRA_MAX)

typedef enum e5_status (*step_fn)(struct e5_archive *a, struct e5_error *err);

/* Records come in this order. */
enum phase { MEMBERS, DIRECTORY, WIDE_END, LOCATOR, OVER };

struct member {
    struct e5_zip_member known;
    char *name;
    uint64_t hash; /* of the name, to find one that comes twice */
};

struct e5_archive {
    enum e5_status failed;
    enum phase phase;
    uint64_t position; /* bytes taken */
    uint64_t size;     /* of all, UINT64_MAX: not known */

    uint8_t record[RECORD_MAX];
    size_t have, want; /* bytes of the record */
    uint64_t record_at;
    step_fn step;      /* what to do when they are there */
    uint64_t skip;     /* bytes to pass over before */

    struct member *members;
    size_t count, capacity, listed; /* listed: found in the directory too */
    uint64_t directory_at, wide_end_at;
    struct e5_zip_end wide_end;

    struct e5_zip_data data;
};

static enum e5_status corrupt(const char *what, struct e5_error *err) {
    enum e5_status status = e5_fail(err, E5_CORRUPT, "damaged archive: %s", what);
    e5_error_hint(err, "download it again");
    return status;
}

/* --- the next record --- */

static enum e5_status begin_record(struct e5_archive *a, struct e5_error *err);

static void expect(struct e5_archive *a, size_t want, step_fn step) {
    a->want = want;
    a->step = step;
}

static void expect_record(struct e5_archive *a) {
    a->have = 0;
    expect(a, 4, begin_record);
}

/* --- data --- */

static enum e5_status end_member(struct e5_archive *a, struct e5_error *err) {
    expect_record(a);
    return e5_zip_data_end(&a->data, err);
}

static enum e5_status read_descriptor(struct e5_archive *a, struct e5_error *err) {
    e5_zip_data_descriptor(&a->data, a->record, a->want);
    return end_member(a, err);
}

static enum e5_status begin_descriptor(struct e5_archive *a, struct e5_error *err) {
    (void)err;
    expect(a, e5_zip_data_descriptor_size(&a->data, a->record), read_descriptor);
    return E5_OK;
}

static enum e5_status after_data(struct e5_archive *a, struct e5_error *err) {
    if (a->data.is_open) return E5_OK;
    if (!e5_zip_has_descriptor(a->data.member)) return end_member(a, err);
    a->have = 0;
    expect(a, 4, begin_descriptor);
    return E5_OK;
}

/* --- members --- */

static uint64_t hash_of(const char *name) {
    uint64_t hash = 14695981039346656037u;
    for (; *name != '\0'; name++) hash = (hash ^ (uint8_t)*name) * 1099511628211u;
    return hash;
}

static enum e5_status check_new(struct e5_archive *a, const char *name, uint64_t hash, struct e5_error *err) {
    if (a->count >= MOST_MEMBERS) return e5_zip_fail(err, E5_UNSAFE, name, "is one of more than 10,000");
    for (size_t i = 0; i < a->count; i++)
        if (a->members[i].hash == hash && strcmp(a->members[i].name, name) == 0)
            return e5_zip_fail(err, E5_UNSAFE, name, "comes twice");
    return E5_OK;
}

static enum e5_status add_member(struct e5_archive *a, const struct e5_zip_member *known, const char *name,
                                 struct e5_error *err) {
    uint64_t hash = hash_of(name);
    enum e5_status status = check_new(a, name, hash, err);
    if (status == E5_OK && a->count == a->capacity) {
        size_t capacity = a->capacity * 2 + 16;
        status = e5_grow(a->capacity, capacity, sizeof *a->members, &a->members, err);
        if (status == E5_OK) a->capacity = capacity;
    }
    char *copy = NULL;
    if (status == E5_OK) status = e5_strdup(name, &copy, err);
    if (status == E5_OK) a->members[a->count++] = (struct member){.known = *known, .name = copy, .hash = hash};
    return status;
}

/* The name at the end of a record's fixed part, as text. */
static enum e5_status take_name(const struct e5_archive *a, size_t fixed, const struct e5_zip_member *known,
                                char *out, struct e5_error *err) {
    memcpy(out, a->record + fixed, known->name_size);
    out[known->name_size] = '\0';
    return e5_zip_check_name(out, known->name_size, err);
}

static enum e5_status check_member(const struct e5_archive *a, size_t fixed, bool central,
                                   struct e5_zip_member *known, const char *name, struct e5_error *err) {
    if (!e5_zip_read_extra(a->record + fixed + known->name_size, known->extra_size, central, known))
        return e5_zip_fail(err, E5_CORRUPT, name, "has a damaged record");
    if (known->stored > a->size) return e5_zip_fail(err, E5_CORRUPT, name, "is longer than the archive");
    return e5_zip_check_member(known, name, err);
}

static enum e5_status read_local(struct e5_archive *a, struct e5_error *err) {
    struct e5_zip_member known;
    char name[E5_ZIP_NAME_MAX + 1];
    e5_zip_read_local(a->record, &known);
    known.offset = a->record_at;
    enum e5_status status = take_name(a, E5_ZIP_LOCAL_SIZE, &known, name, err);
    if (status == E5_OK) status = check_member(a, E5_ZIP_LOCAL_SIZE, false, &known, name, err);
    if (status == E5_OK) status = add_member(a, &known, name, err);
    if (status != E5_OK) return status;
    struct member *m = &a->members[a->count - 1];
    status = e5_zip_data_begin(&a->data, &m->known, m->name, err);
    return status == E5_OK ? after_data(a, err) : status;
}

/* --- the directory --- */

static bool is_same(const struct e5_zip_member *there, const struct e5_zip_member *here) {
    return there->offset == here->offset && there->stored == here->stored && there->size == here->size &&
           there->crc == here->crc && there->method == here->method && there->disk == 0;
}

static enum e5_status read_central(struct e5_archive *a, struct e5_error *err) {
    struct e5_zip_member known;
    char name[E5_ZIP_NAME_MAX + 1];
    e5_zip_read_central(a->record, &known);
    enum e5_status status = take_name(a, E5_ZIP_CENTRAL_SIZE, &known, name, err);
    if (status == E5_OK) status = check_member(a, E5_ZIP_CENTRAL_SIZE, true, &known, name, err);
    if (status != E5_OK) return status;
    const struct member *m = a->listed < a->count ? &a->members[a->listed] : NULL;
    if (m == NULL || strcmp(m->name, name) != 0)
        return e5_zip_fail(err, E5_UNSAFE, name, "is not where the directory names it");
    if (!is_same(&known, &m->known)) return e5_zip_fail(err, E5_CORRUPT, name, "differs from its directory entry");
    a->listed++;
    a->skip = known.comment_size;
    expect_record(a);
    return E5_OK;
}

/* The names are taken into the record only once their length is known to be sane. */
static enum e5_status size_record(struct e5_archive *a, struct e5_error *err) {
    struct e5_zip_member known;
    bool local = e5_zip_u32(a->record) == E5_ZIP_LOCAL;
    if (local)
        e5_zip_read_local(a->record, &known);
    else
        e5_zip_read_central(a->record, &known);
    if (known.name_size == 0 || known.name_size > E5_ZIP_NAME_MAX)
        return e5_zip_check_name("?", known.name_size, err);
    expect(a, a->have + known.name_size + known.extra_size, local ? read_local : read_central);
    return E5_OK;
}

/* --- the end --- */

static enum e5_status check_end(const struct e5_archive *a, const struct e5_zip_end *end, uint64_t end_at,
                                struct e5_error *err) {
    if (end->split) return corrupt("parts of it are elsewhere", err);
    if (a->count == 0) return corrupt("it is empty", err);
    if (a->listed < a->count)
        return e5_zip_fail(err, E5_UNSAFE, a->members[a->listed].name, "is not in the archive's directory");
    if (end->count != a->count || end->offset != a->directory_at || end->size != end_at - a->directory_at)
        return corrupt("its directory is not where its end says", err);
    return E5_OK;
}

static enum e5_status read_wide_end(struct e5_archive *a, struct e5_error *err) {
    uint64_t length = e5_zip_u64(a->record + 4); /* of what follows this number */
    if (length < E5_ZIP_WIDE_END_SIZE - 12 || length > (uint64_t)1 << 20)
        return corrupt("its end makes no sense", err);
    e5_zip_read_wide_end(a->record, &a->wide_end);
    a->wide_end_at = a->record_at;
    a->phase = WIDE_END;
    a->skip = length - (E5_ZIP_WIDE_END_SIZE - 12);
    expect_record(a);
    return check_end(a, &a->wide_end, a->wide_end_at, err);
}

static enum e5_status read_locator(struct e5_archive *a, struct e5_error *err) {
    bool here = e5_zip_u64(a->record + 8) == a->wide_end_at && e5_zip_u32(a->record + 4) == 0;
    if (!here || e5_zip_u32(a->record + 16) > 1) return corrupt("its end is not where it says", err);
    a->phase = LOCATOR;
    expect_record(a);
    return E5_OK;
}

static bool agrees(uint64_t narrow, uint64_t most, uint64_t wide) { return narrow == most || narrow == wide; }

static enum e5_status read_end(struct e5_archive *a, struct e5_error *err) {
    struct e5_zip_end end;
    const struct e5_zip_end *wide = &a->wide_end;
    e5_zip_read_end(a->record, &end);
    enum e5_status status = E5_OK;
    if (a->phase == WIDE_END)
        status = corrupt("a part of its end is missing", err);
    else if (a->phase != LOCATOR)
        status = check_end(a, &end, a->record_at, err);
    else if (end.split || !agrees(end.count, UINT16_MAX, wide->count) || !agrees(end.size, UINT32_MAX, wide->size) ||
             !agrees(end.offset, UINT32_MAX, wide->offset))
        status = corrupt("its two ends differ", err);
    a->phase = OVER;
    a->skip = end.comment_size;
    expect_record(a);
    return status;
}

/* --- records by their first bytes --- */

static enum e5_status begin_record(struct e5_archive *a, struct e5_error *err) {
    static const struct {
        uint32_t mark;
        enum phase from, to; /* phases in which it may come */
        size_t size;
        step_fn step;
    } rows[] = {
        {E5_ZIP_LOCAL, MEMBERS, MEMBERS, E5_ZIP_LOCAL_SIZE, size_record},
        {E5_ZIP_CENTRAL, MEMBERS, DIRECTORY, E5_ZIP_CENTRAL_SIZE, size_record},
        {E5_ZIP_WIDE_END, DIRECTORY, DIRECTORY, E5_ZIP_WIDE_END_SIZE, read_wide_end},
        {E5_ZIP_LOCATOR, WIDE_END, WIDE_END, E5_ZIP_LOCATOR_SIZE, read_locator},
        {E5_ZIP_END, MEMBERS, LOCATOR, E5_ZIP_END_SIZE, read_end},
    };
    uint32_t mark = e5_zip_u32(a->record);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].mark != mark || a->phase < rows[i].from || a->phase > rows[i].to) continue;
        if (mark == E5_ZIP_CENTRAL && a->phase == MEMBERS) {
            a->phase = DIRECTORY;
            a->directory_at = a->record_at;
        }
        expect(a, rows[i].size, rows[i].step);
        return E5_OK;
    }
    return corrupt(a->record_at == 0 ? "it is no zip archive" : "something foreign between its parts", err);
}

/* --- feeding --- */

static enum e5_status gather(struct e5_archive *a, const uint8_t *bytes, size_t size, size_t *used,
                             struct e5_error *err) {
    size_t missing = a->want - a->have;
    if (a->have == 0) a->record_at = a->position;
    *used = size < missing ? size : missing;
    memcpy(a->record + a->have, bytes, *used);
    a->have += *used;
    return a->have == a->want ? a->step(a, err) : E5_OK;
}

static enum e5_status take_data(struct e5_archive *a, const uint8_t *bytes, size_t size, size_t *used,
                                struct e5_error *err) {
    enum e5_status status = e5_zip_data_take(&a->data, bytes, size, used, err);
    return status == E5_OK ? after_data(a, err) : status;
}

static enum e5_status take(struct e5_archive *a, const uint8_t *bytes, size_t size, size_t *used,
                           struct e5_error *err) {
    if (a->data.is_open) return take_data(a, bytes, size, used, err);
    if (a->skip == 0 && a->phase == OVER) return corrupt("bytes behind its end", err);
    if (a->skip == 0) return gather(a, bytes, size, used, err);
    *used = a->skip < size ? (size_t)a->skip : size;
    a->skip -= *used;
    return E5_OK;
}

static enum e5_status already_failed(const struct e5_archive *a, struct e5_error *err) {
    return e5_fail(err, a->failed, "the archive was refused before");
}

enum e5_status e5_archive_feed(struct e5_archive *a, const void *bytes, size_t size, struct e5_error *err) {
    const uint8_t *at = bytes;
    if (a->failed != E5_OK) return already_failed(a, err);
    a->data.reach = a->position + size;
    while (size > 0 && a->failed == E5_OK) {
        size_t used = 0;
        a->failed = take(a, at, size, &used, err);
        a->position += used;
        at += used;
        size -= used;
    }
    return a->failed;
}

enum e5_status e5_archive_finish(struct e5_archive *a, struct e5_error *err) {
    if (a->failed != E5_OK) return already_failed(a, err);
    if (a->phase != OVER || a->skip > 0) a->failed = corrupt("its end is missing", err);
    return a->failed;
}

enum e5_status e5_archive_new(const struct e5_archive_sink *sink, int64_t size, struct e5_archive **out,
                              struct e5_error *err) {
    struct e5_archive *a;
    *out = NULL;
    enum e5_status status = e5_alloc(1, sizeof *a, &a, err);
    if (status != E5_OK) return status;
    a->size = size < 0 ? UINT64_MAX : (uint64_t)size;
    expect_record(a);
    status = e5_zip_data_init(&a->data, sink, err);
    if (status == E5_OK)
        *out = a;
    else
        free(a);
    return status;
}

void e5_archive_free(struct e5_archive *a) {
    if (a == NULL) return;
    for (size_t i = 0; i < a->count; i++) free(a->members[i].name);
    free(a->members);
    e5_zip_data_fini(&a->data);
    free(a);
}
