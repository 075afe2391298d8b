#include "io/classic.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define FIRST_READ ((size_t)256 << 10)
#define HEADER_MAX ((size_t)128 << 20) /* the largest read of the series 256 KiB, 2, 16, 128 MiB */
#define NAME_MAX_BYTES 256
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
    enum e5_status status; /* of the tables */
    uint64_t records;     /* length of the record dimension; UINT64_MAX: not noted */
    uint64_t end;         /* of the data without records, and of the first record's */
    uint64_t record_end, record_size;
    size_t record_vars;
    uint64_t only_size;   /* unpadded size of the first record variable */
    struct e5_tables tables;
    char name[NAME_MAX_BYTES + 1]; /* the last one that was walked over */
};

struct type {
    uint8_t size;
    enum e5_dtype dtype;
};

#define CHARACTERS 2 /* the number of that type */

static bool stopped(const struct walk *w) { return w->more || w->fault != NULL || w->status != E5_OK; }

static void fault(struct walk *w, const char *what) {
    if (!stopped(w)) w->fault = what;
}

static void claim(struct walk *w, const char *what) {
    if (stopped(w)) return;
    w->fault = what;
    w->unsafe = true;
}

/* --- bytes --- */

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

/* The next n bytes and what pads them to a multiple of 4; NULL when the walk has stopped. */
static const uint8_t *take(struct walk *w, uint64_t n) {
    const uint8_t *from = w->bytes + w->at;
    if (n > w->file_size) fault(w, "cut short in its header");
    if (stopped(w) || !reach(w, (n + 3) / 4 * 4)) return NULL;
    w->at += (size_t)((n + 3) / 4 * 4);
    return from;
}

static void take_name(struct walk *w) {
    uint64_t n = count(w);
    const uint8_t *from = take(w, n);
    if (n > NAME_MAX_BYTES) fault(w, "damaged: a name of more than 256 bytes");
    if (stopped(w)) return;
    memcpy(w->name, from, (size_t)n);
    w->name[n] = '\0';
}

static uint64_t take_type(struct walk *w, struct type *out) {
    static const struct type types[] = {{0, 0},      {1, E5_I8}, {1, E5_U8},  {2, E5_I16}, {4, E5_I32}, {4, E5_F32},
                                        {8, E5_F64}, {1, E5_U8}, {2, E5_U16}, {4, E5_U32}, {8, E5_I64}, {8, E5_U64}};
    uint64_t type = number(w, 4);
    bool known = type >= 1 && type < sizeof types / sizeof *types;
    if (!known) fault(w, "damaged: a number type that does not exist");
    *out = types[known ? type : 1];
    return type;
}

/* Length of a list after its tag; an absent list has two zeros. */
static uint64_t take_list(struct walk *w, uint64_t tag) {
    uint64_t found = number(w, 4), length = count(w);
    if (found != tag && (found != 0 || length != 0)) fault(w, "damaged: a list in the header has a wrong mark");
    if (length > LIST_MAX) claim(w, "its header claims more than 65536 entries");
    return stopped(w) ? 0 : length;
}

/* --- attributes and dimensions --- */

static void walk_attribute(struct walk *w, struct e5_ncattr *attr) {
    struct type type;
    take_name(w);
    bool text = take_type(w, &type) == CHARACTERS;
    uint64_t length = count(w);
    if (length > w->file_size) fault(w, "cut short in its header");
    const uint8_t *bytes = stopped(w) ? NULL : take(w, length * type.size);
    if (bytes == NULL) return;
    w->status = e5_tables_set_attr(&w->tables, attr, w->name, (size_t)length);
    if (w->status == E5_OK)
        w->status = text ? e5_tables_set_characters(&w->tables, attr, bytes)
                         : e5_tables_set_numbers(&w->tables, attr, type.dtype, bytes, type.size > 1);
}

static void walk_attributes(struct walk *w, struct e5_ncattr **out, size_t *out_count) {
    uint64_t n = take_list(w, 12);
    if (!stopped(w)) w->status = e5_tables_room_attrs(&w->tables, (size_t)n, out);
    for (uint64_t i = 0; i < n && !stopped(w); i++) {
        *out_count = (size_t)i + 1;
        walk_attribute(w, &(*out)[i]);
    }
}

static void walk_dimensions(struct walk *w) {
    uint64_t n = take_list(w, 10);
    if (!stopped(w)) w->status = e5_tables_room_dims(&w->tables, (size_t)n);
    for (; n > 0 && !stopped(w); n--) {
        take_name(w);
        uint64_t length = count(w); /* 0: that of the records */
        if (!stopped(w)) w->status = e5_tables_add_dim(&w->tables, w->name, (size_t)length, length == 0);
    }
}

/* --- variables --- */

struct shape {
    uint64_t ndim;
    int dim[E5_MAX_DIMS];
    uint64_t size; /* values of the variable, or of one of its records */
    bool record;
};

static void walk_shape(struct walk *w, struct shape *shape) {
    const struct e5_ncfile *file = w->tables.file;
    *shape = (struct shape){.ndim = count(w), .size = 1};
    if (shape->ndim > LIST_MAX) claim(w, "its header claims more than 65536 entries");
    for (uint64_t d = 0; d < shape->ndim && !stopped(w); d++) {
        uint64_t id = count(w);
        if (id >= file->ndim) fault(w, "damaged: an unknown dimension");
        if (stopped(w)) return;
        if (d < E5_MAX_DIMS) shape->dim[d] = (int)id;
        if (d == 0 && file->dim[id].unlimited)
            shape->record = true;
        else if (file->dim[id].unlimited)
            fault(w, "damaged: records are not counted by a first dimension");
        else if (__builtin_mul_overflow(shape->size, file->dim[id].length, &shape->size))
            claim(w, "its header claims more than the address space");
    }
}

static void note_record(struct walk *w, uint64_t end, uint64_t size) {
    if (w->record_vars++ == 0) w->only_size = size;
    if (end > w->record_end) w->record_end = end;
    if (__builtin_add_overflow(w->record_size, (size + 3) / 4 * 4, &w->record_size))
        claim(w, "its header claims more than the address space");
}

static void note_place(struct walk *w, const struct shape *shape, size_t element, uint64_t begin) {
    uint64_t size, end = 0;
    bool overflow = __builtin_mul_overflow(shape->size, element, &size) || size > UINT64_MAX - 4 ||
                    __builtin_add_overflow(begin, size, &end);
    if (overflow) claim(w, "its header claims more than the address space");
    if (stopped(w)) return;
    if (shape->record)
        note_record(w, end, size);
    else if (end > w->end && size > 0)
        w->end = end;
}

static void walk_variable(struct walk *w, int id) {
    struct shape shape;
    struct type type;
    struct e5_ncvar *var = NULL, unused = {0};
    take_name(w);
    walk_shape(w, &shape);
    if (!stopped(w)) w->status = e5_tables_add_var(&w->tables, w->name, (size_t)shape.ndim, true, &var);
    struct e5_ncvar *to = var != NULL ? var : &unused;
    walk_attributes(w, &to->attr, &to->nattr);
    bool text = take_type(w, &type) == CHARACTERS;
    count(w); /* the size as noted: of no use for variables above 4 GiB */
    uint64_t begin = number(w, w->far ? 8 : 4);
    note_place(w, &shape, type.size, begin);
    e5_tables_free_attrs(unused.attr, unused.nattr);
    if (stopped(w) || var == NULL) return;
    var->id = id;
    memcpy(var->dim, shape.dim, sizeof var->dim);
    if (text)
        e5_tables_set_text(var, false);
    else
        e5_tables_set_type(var, type.dtype, type.size > 1);
    struct e5_map *map = e5_tables_finish_var(&w->tables, var);
    map->way = E5_CONTIGUOUS;
    map->address = begin;
}

static void walk_variables(struct walk *w) {
    uint64_t n = take_list(w, 11);
    if (!stopped(w)) w->status = e5_tables_room_vars(&w->tables, (size_t)n);
    for (uint64_t i = 0; i < n && !stopped(w); i++) walk_variable(w, (int)i);
}

/* --- records --- */

/* From one record to the next; a single record variable is not padded. */
static uint64_t record_step(const struct walk *w) { return w->record_vars == 1 ? w->only_size : w->record_size; }

/* A program that wrote record after record may have left their number open: there are as many as the file holds. */
static void count_records(struct walk *w) {
    uint64_t step = record_step(w);
    if (w->records != UINT64_MAX) return;
    bool some = step > 0 && w->record_end <= w->file_size;
    w->records = some ? (w->file_size - w->record_end) / step + 1 : 0;
}

/* Where the last record ends. */
static uint64_t last_end(const struct walk *w) {
    uint64_t more;
    if (w->record_vars == 0 || w->records == 0) return w->end;
    if (__builtin_mul_overflow(w->records - 1, record_step(w), &more) ||
        __builtin_add_overflow(more, w->record_end, &more))
        return UINT64_MAX;
    return more > w->end ? more : w->end;
}

static void place_records(struct walk *w) {
    struct e5_ncfile *file = w->tables.file;
    for (size_t i = 0; i < file->ndim; i++)
        if (file->dim[i].unlimited) file->dim[i].length = (size_t)w->records;
    for (size_t i = 0; i < file->nvar; i++) {
        struct e5_map *map = &w->tables.layout->map[i];
        if (file->var[i].ndim == 0 || !file->dim[file->var[i].dim[0]].unlimited) continue;
        map->dim[0] = (size_t)w->records;
        map->record_stride = w->record_vars > 1 ? w->record_size : 0;
    }
}

/* --- the file --- */

static void walk_header(struct walk *w) {
    static const enum e5_ncformat formats[] = {[1] = E5_CLASSIC, [2] = E5_64BIT_OFFSET, [5] = E5_64BIT_DATA};
    struct e5_ncfile *file = w->tables.file;
    uint64_t version = number(w, 4) & 0xFF; /* 1, 2 or 5: the probe has looked */
    file->format = formats[version];
    w->wide = version == 5;
    w->far = version != 1;
    w->records = count(w);
    if (w->records == (w->wide ? UINT64_MAX : UINT32_MAX)) w->records = UINT64_MAX;
    walk_dimensions(w);
    walk_attributes(w, &file->attr, &file->nattr);
    walk_variables(w);
    if (stopped(w)) return;
    count_records(w);
    place_records(w);
}

static enum e5_status judge(const struct walk *w, struct e5_error *err) {
    const char *path = w->tables.file->path;
    if (w->status != E5_OK) return w->status;
    if (w->unsafe) return e5_probe_fail(err, E5_UNSAFE, path, "do not trust this file", "%s", w->fault);
    if (w->fault != NULL) return e5_probe_fail(err, E5_CORRUPT, path, "download it again", "%s", w->fault);
    uint64_t end = last_end(w);
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

enum e5_status e5_classic_read(struct e5_ncfile *file, struct e5_error *err) {
    struct e5_layout *layout = file->layout;
    const struct e5_probe *probe = &layout->probe;
    enum e5_status status = E5_OK;
    bool again = true;
    for (size_t size = FIRST_READ; again && status == E5_OK; size *= 8) {
        struct walk w = {.file_size = probe->size,
                         .size = size < probe->size ? size : (size_t)probe->size,
                         .tables = {.file = file, .layout = layout, .err = err}};
        uint8_t *bytes = NULL;
        if (size > HEADER_MAX)
            return e5_probe_fail(err, E5_UNSAFE, file->path, "do not trust this file",
                                 "a header of more than 128 MiB");
        status = read_head(file->path, probe, w.size, &bytes, err);
        w.bytes = bytes;
        if (status == E5_OK) walk_header(&w);
        again = w.more;
        if (again) e5_tables_fini(file);
        if (status == E5_OK && !again) status = judge(&w, err);
        free(bytes);
    }
    return status;
}
