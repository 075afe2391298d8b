/* Reading a dataset: which steps come from which file, and in which order the files are read. */
#include <string.h>

#include "base/alloc.h"
#include "io/chunk_cache.h"
#include "io/chunks.h"
#include "io/dataset_parts.h"

#define SPAN_MAX ((size_t)1 << 30)      /* bytes that are read at once so that no chunk is decoded twice */
#define COPY_BYTES ((size_t)128 << 20)    /* bytes of what is read before it goes to its place */
#define PART_BYTES ((size_t)512 << 20)  /* of a large file: after each, progress is reported */
#define SHARE_BYTES ((size_t)2 << 20)   /* of what has no chunks: work for one thread */
#define ROW_BYTES ((size_t)32 << 20)    /* of a row of chunks: up to this it may be read whole */
#define BOX_BYTES ((size_t)4 << 20)     /* of a box, at least: work for some milliseconds */
#define BOX_MOST ((size_t)64 << 20) /* and at most: each thread has one */
#define SMALL_TASKS 4 /* chunks per thread: with fewer, threads wait for each other at every file */

struct item { /* a step that was asked for, and where it goes */
    uint32_t part, step;
    size_t to;
};

struct group { /* items [from, until) of one file: read together */
    size_t from, until;
};

struct selection {
    struct e5_dataset *ds;
    struct e5_pick pick[E5_AXES]; /* of the dataset's axes */
    enum e5_dtype as;
    void *out;
    size_t items, groups;
    struct item *item; /* in the order of the files */
    struct group *group;
    const struct e5_parallel *par; /* for one file */
    struct e5_watch *watch;
    bool counts; /* the steps in the watch */
    uint64_t call; /* for the cache of chunks: the files are read in one pass */
};

/* --- what comes from where --- */

static bool has_any(const size_t *map, const struct e5_pick *pick) {
    const struct e5_stretch *stretch = e5_pick_stretches(pick);
    if (map == NULL) return pick->stretches > 0;
    for (size_t i = 0; i < pick->stretches; i++)
        for (size_t k = 0; k < stretch[i].count; k++)
            if (map[stretch[i].from + k] != E5_NOT_HERE) return true;
    return false;
}

static bool is_wanted(const struct selection *s, const struct e5_layer *layer) {
    for (int role = E5_AXIS_NUMBER; role <= E5_AXIS_LEVEL; role++)
        if (!has_any(s->ds->part[layer->teller[role]].map[role], &s->pick[role])) return false;
    return true;
}

static int by_place(const void *a, const void *b) {
    const struct item *x = a, *y = b;
    if (x->part != y->part) return x->part < y->part ? -1 : 1;
    if (x->step != y->step) return x->step < y->step ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

static void add_items(struct selection *s, const struct e5_layer *layer) {
    const struct e5_stretch *stretch = e5_pick_stretches(&s->pick[E5_AXIS_TIME]);
    for (size_t i = 0; i < s->pick[E5_AXIS_TIME].stretches; i++)
        for (size_t k = 0; k < stretch[i].count; k++) {
            const struct e5_entry *entry = &layer->entry[stretch[i].from + k];
            s->item[s->items++] = (struct item){entry->part, entry->step, stretch[i].to + k};
        }
}

static enum e5_status make_items(struct selection *s, struct e5_error *err) {
    size_t layers = 0, total;
    for (size_t i = 0; i < s->ds->layers; i++) layers += is_wanted(s, &s->ds->layer[i]);
    enum e5_status status = e5_multiply(e5_pick_indices(&s->pick[E5_AXIS_TIME]), layers, &total, err);
    if (status == E5_OK) status = e5_alloc(total, sizeof *s->item, &s->item, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < s->ds->layers; i++)
        if (is_wanted(s, &s->ds->layer[i])) add_items(s, &s->ds->layer[i]);
    for (size_t i = 1; i < total; i++)
        if (by_place(&s->item[i - 1], &s->item[i]) > 0) {
            qsort(s->item, total, sizeof *s->item, by_place);
            break;
        }
    return E5_OK;
}

/* A product that is meant as a measure: what is too much to count is as much as can be counted. */
static size_t times(size_t a, size_t b) {
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

/* As much of one file as may be read at once, in whole rows of chunks. */
static struct group next_group(const struct selection *s, size_t from) {
    const struct e5_member *member = &s->ds->part[s->item[from].part].member;
    struct group group = {from, from + 1};
    size_t step = times(e5_dtype_size(s->as), member->versions);
    for (int role = E5_AXIS_NUMBER; role < E5_AXES; role++) step = times(step, s->pick[role].count);
    size_t most = (e5_member_copies(member, s->pick) ? COPY_BYTES : PART_BYTES) / step;
    for (; group.until < s->items && s->item[group.until].part == s->item[from].part; group.until++) {
        bool same_row = s->item[group.until].step / member->unit == s->item[group.until - 1].step / member->unit;
        if (group.until - from >= most && !same_row) break;
    }
    return group;
}

static enum e5_status make_groups(struct selection *s, struct e5_error *err) {
    enum e5_status status = e5_alloc(s->items, sizeof *s->group, &s->group, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < s->items; i = s->group[s->groups++].until) s->group[s->groups] = next_group(s, i);
    return E5_OK;
}

/* --- reading one group --- */

static enum e5_status pick_steps(const struct selection *s, const struct group *group, struct e5_pick *out,
                                 struct e5_error *err) {
    const struct item *item = s->item + group->from;
    size_t n = group->until - group->from, run = 1;
    struct e5_stretch *stretch;
    while (run < n && item[run].step == item[0].step + run && item[run].to == item[0].to + run) run++;
    if (run == n) {
        *out = (struct e5_pick){s->pick[E5_AXIS_TIME].count, 1, NULL, {item[0].step, item[0].to, n}};
        return E5_OK;
    }
    enum e5_status status = e5_alloc(n, sizeof *stretch, &stretch, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < n; i++) stretch[i] = (struct e5_stretch){item[i].step, item[i].to, 1};
    *out = e5_pick_take(stretch, n, s->pick[E5_AXIS_TIME].count);
    return E5_OK;
}

/* The pick of an axis of the dataset, in indices of the file. */
static enum e5_status pick_through(const struct e5_pick *pick, const size_t *map, struct e5_pick *out,
                                   struct e5_error *err) {
    const struct e5_stretch *from = e5_pick_stretches(pick);
    struct e5_stretch *stretch;
    size_t n = 0;
    enum e5_status status = e5_alloc(e5_pick_indices(pick), sizeof *stretch, &stretch, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < pick->stretches; i++)
        for (size_t k = 0; k < from[i].count; k++)
            if (map[from[i].from + k] != E5_NOT_HERE)
                stretch[n++] = (struct e5_stretch){map[from[i].from + k], from[i].to + k, 1};
    *out = e5_pick_take(stretch, n, pick->count);
    return E5_OK;
}

static enum e5_status read_group(void *context, size_t index, unsigned slot, struct e5_error *err) {
    const struct selection *s = context;
    const struct group *group = &s->group[index];
    const struct e5_part *part = &s->ds->part[s->item[group->from].part];
    struct e5_pick pick[E5_AXES] = {0};
    enum e5_status status = pick_steps(s, group, &pick[E5_AXIS_TIME], err);
    (void)slot;
    for (int role = E5_AXIS_NUMBER; role < E5_AXES && status == E5_OK; role++) {
        if (part->map[role] != NULL)
            status = pick_through(&s->pick[role], part->map[role], &pick[role], err);
        else
            pick[role] = s->pick[role];
    }
    e5_chunk_cache_pass(s->call);
    if (status == E5_OK) status = e5_member_select(&part->member, pick, s->as, s->out, s->par, s->watch, err);
    e5_chunk_cache_pass(0);
    for (int role = 0; role < E5_AXES; role++)
        if (role == E5_AXIS_TIME || part->map[role] != NULL) e5_pick_fini(&pick[role]);
    if (s->counts) e5_watch_add(s->watch, (int64_t)(group->until - group->from));
    return status;
}

/* --- in which order --- */

/* How many chunks a group touches, or shares of that size where nothing is chunked: what threads can share. */
static size_t tasks_of(const struct selection *s, const struct group *group) {
    const struct e5_member *m = &s->ds->part[s->item[group->from].part].member;
    const struct e5_map *map = &((const struct e5_layout *)m->file->layout)->map[m->var - m->file->var];
    size_t tasks = 1, bytes = e5_dtype_size(s->as);
    for (int role = 0; role < E5_AXES; role++) {
        int dim = m->axes.axis[role].dim;
        size_t count = role == E5_AXIS_TIME ? group->until - group->from : s->pick[role].count;
        if (map->chunked && dim >= 0) tasks = times(tasks, (count - 1) / map->chunk[dim] + 1);
        bytes = times(bytes, count);
    }
    return map->chunked ? tasks : bytes / SHARE_BYTES + 1;
}

/* Small files are read side by side, one thread each; large ones one after the other, each by all threads, as are
 * those whose chunks need much memory to decode. */
static bool side_by_side(const struct selection *s) {
    size_t slots = e5_parallel_slots(s->par), tasks = 0, largest = 1;
    for (size_t g = 0; g < s->groups; g++) {
        size_t unit = s->ds->part[s->item[s->group[g].from].part].member.unit;
        size_t more = tasks_of(s, &s->group[g]);
        tasks = tasks > SIZE_MAX - more ? SIZE_MAX : tasks + more;
        if (unit > largest) largest = unit;
    }
    return s->groups > 1 && tasks < times(SMALL_TASKS * slots, s->groups) &&
           largest <= SPAN_MAX / slots / s->ds->step_bytes;
}

static enum e5_status read_groups(struct selection *s, struct e5_error *err) {
    const struct e5_parallel *par = s->par;
    if (side_by_side(s)) {
        s->par = NULL;
        return e5_parallel_for(par, s->watch, s->groups, read_group, s, err);
    }
    return e5_parallel_for(NULL, s->watch, s->groups, read_group, s, err);
}

static enum e5_status select_roles(struct selection *s, struct e5_error *err) {
    for (int role = 0; role < E5_AXES; role++)
        if (s->pick[role].stretches == 0) return E5_OK;
    s->call = e5_chunk_cache_call();
    enum e5_status status = make_items(s, err);
    if (status == E5_OK) status = make_groups(s, err);
    if (s->counts) e5_watch_expect(s->watch, (int64_t)s->items);
    if (status == E5_OK) status = read_groups(s, err);
    free(s->item);
    free(s->group);
    return status;
}

/* --- the interface --- */

enum e5_status e5_dataset_select(struct e5_dataset *dataset, const struct e5_pick *pick, enum e5_dtype as, void *out,
                                 const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    struct selection s = {.ds = dataset, .as = as, .out = out, .par = par, .watch = watch, .counts = true};
    if (as != E5_F32 && as != E5_F64) return e5_fail(err, E5_INPUT, "values are float32 or float64");
    for (int role = 0; role < E5_AXES; role++) {
        s.pick[role] = dataset->has[role] ? *pick++ : e5_pick_range(0, 1);
        if (!e5_pick_fits(&s.pick[role], dataset->count[role]))
            return e5_fail(err, E5_INPUT, "indices outside the %zu of the dataset", dataset->count[role]);
    }
    return select_roles(&s, err);
}

/* Without a box all cells. */
static enum e5_status read_steps(struct e5_dataset *dataset, size_t first, size_t steps,
                                 const struct e5_dataset_box *box, void *out, const struct e5_parallel *par,
                                 struct e5_watch *watch, struct e5_error *err) {
    struct selection s = {.ds = dataset, .as = dataset->dtype, .out = out, .par = par, .watch = watch};
    if (first > dataset->count[E5_AXIS_TIME] || steps > dataset->count[E5_AXIS_TIME] - first)
        return e5_fail(err, E5_INPUT, "steps %zu to %zu of %zu", first, first + steps, dataset->count[E5_AXIS_TIME]);
    for (int role = 0; role < E5_AXES; role++)
        s.pick[role] = role == E5_AXIS_TIME ? e5_pick_range(first, steps) : e5_pick_range(0, dataset->count[role]);
    if (box != NULL) {
        s.pick[E5_AXIS_LATITUDE] = e5_pick_range(box->row, box->rows);
        s.pick[E5_AXIS_LONGITUDE] = e5_pick_range(box->column, box->columns);
    }
    return select_roles(&s, err);
}

enum e5_status e5_dataset_read(struct e5_dataset *dataset, size_t first, size_t steps, void *out,
                               const struct e5_parallel *par, struct e5_watch *watch, struct e5_error *err) {
    return read_steps(dataset, first, steps, NULL, out, par, watch, err);
}

enum e5_status e5_dataset_read_box(struct e5_dataset *dataset, size_t first, size_t steps,
                                   const struct e5_dataset_box *box, void *out, struct e5_watch *watch,
                                   struct e5_error *err) {
    return read_steps(dataset, first, steps, box, out, NULL, watch, err);
}

/* Chunk lengths of a file along rows and columns; false where a part of the grid cannot be read alone. */
static bool grid_chunk(const struct e5_part *part, size_t chunk[2]) {
    const struct e5_member *member = &part->member;
    const struct e5_ncstorage *storage = &member->var->storage;
    if (member->by_library || !storage->chunked) return false;
    for (int i = 0; i < 2; i++) {
        int role = E5_AXIS_LATITUDE + i, dim = member->axes.axis[role].dim;
        if (dim < 0 || part->map[role] != NULL) return false;
        chunk[i] = storage->chunk[dim];
    }
    return true;
}

bool e5_dataset_boxes(const struct e5_dataset *dataset, size_t *rows, size_t *columns) {
    const size_t *count = &dataset->count[E5_AXIS_LATITUDE];
    size_t chunk[2], other[2], unit = dataset->part[0].member.unit, steps = dataset->count[E5_AXIS_TIME];
    if (unit > steps) unit = steps;
    if (times(unit, dataset->step_bytes) < ROW_BYTES || !grid_chunk(&dataset->part[0], chunk)) return false;
    for (size_t p = 1; p < dataset->parts; p++)
        if (!grid_chunk(&dataset->part[p], other) || other[0] != chunk[0] || other[1] != chunk[1]) return false;
    size_t cell = unit * (dataset->step_bytes / count[0] / count[1]);
    *rows = chunk[0] < count[0] ? chunk[0] : count[0];
    *columns = chunk[1] < count[1] ? chunk[1] : count[1];
    while (times(times(*rows, *columns), cell) < BOX_BYTES)
        if (*columns < count[1])
            *columns += chunk[1];
        else if (*rows < count[0])
            *rows += chunk[0];
        else
            break;
    return times(times(*rows, *columns), cell) <= BOX_MOST;
}

size_t e5_dataset_block(const struct e5_dataset *dataset, size_t first, size_t ceiling) {
    size_t left = dataset->count[E5_AXIS_TIME] - first;
    size_t fit = ceiling / dataset->step_bytes, most = SPAN_MAX / dataset->step_bytes;
    if (left == 0) return 0;
    if (fit < 1) fit = 1;
    if (fit > left) fit = left;
    for (size_t n = fit; n > 0; n--)
        if (dataset->border[first + n]) return n;
    for (size_t n = fit + 1; n <= left && n <= most; n++)
        if (dataset->border[first + n]) return n;
    return fit;
}
