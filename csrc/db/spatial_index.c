#include "db/spatial_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "db/gpkg.h"

#define TREE "rtree_event_geom"

/* A node in SQLite's tables, all numbers with the most significant byte first: 2 bytes depth (of the root only), 2
 * bytes number of cells, then cells of 8 bytes (id of an event or of a node) and 4 bytes for each edge. */
#define HEAD 4
#define CELL (8 + 4 * 4)
#define ROOT 1 /* number of its node */

#define FEW 1000  /* new events: fewer are put in one by one */
#define SHARE 4   /* the index is made anew when so many times the new events are more than the old ones */

/* --- entries --- */

static float down(double x) {
    float rounded = (float)x;
    return (double)rounded > x ? nextafterf(rounded, -INFINITY) : rounded;
}

static float up(double x) {
    float rounded = (float)x;
    return (double)rounded < x ? nextafterf(rounded, INFINITY) : rounded;
}

struct e5_spatial_entry e5_spatial_entry(int64_t id, const struct e5_box *box) {
    return (struct e5_spatial_entry){id, down(box->min_x), up(box->max_x), down(box->min_y), up(box->max_y)};
}

static void widen(struct e5_spatial_entry *box, const struct e5_spatial_entry *by) {
    box->min_x = fminf(box->min_x, by->min_x);
    box->max_x = fmaxf(box->max_x, by->max_x);
    box->min_y = fminf(box->min_y, by->min_y);
    box->max_y = fmaxf(box->max_y, by->max_y);
}

static enum e5_status read_old(struct e5_database *db, struct e5_spatial_entry *out, size_t n, size_t *read,
                               struct e5_error *err) {
    struct e5_row row;
    int code = SQLITE_DONE;
    enum e5_status status = e5_sql_prepare(db, "SELECT id, minx, maxx, miny, maxy FROM " TREE, &row, err);
    *read = 0;
    while (status == E5_OK && *read < n && (code = sqlite3_step(row.stmt)) == SQLITE_ROW) {
        struct e5_box box = {sqlite3_column_double(row.stmt, 1), sqlite3_column_double(row.stmt, 2),
                             sqlite3_column_double(row.stmt, 3), sqlite3_column_double(row.stmt, 4), false};
        out[(*read)++] = e5_spatial_entry(sqlite3_column_int64(row.stmt, 0), &box);
    }
    if (status == E5_OK && code != SQLITE_DONE && code != SQLITE_ROW)
        status = e5_sql_fail(db, code, "event database", err);
    e5_sql_finish(&row);
    return status;
}

static int by_id(const void *left, const void *right) {
    int64_t a = ((const struct e5_spatial_entry *)left)->id, b = ((const struct e5_spatial_entry *)right)->id;
    return (a > b) - (a < b);
}

/* --- order along the curve --- */

/* Place of a point on the Hilbert curve through 65536 × 65536 squares. */
static uint32_t hilbert(uint32_t x, uint32_t y) {
    uint32_t place = 0;
    for (uint32_t half = 1u << 15; half > 0; half >>= 1) {
        bool right = (x & half) != 0, above = (y & half) != 0;
        place += half * half * ((3u * right) ^ above);
        if (above) continue;
        if (right) {
            x = 65535 - x;
            y = 65535 - y;
        }
        uint32_t other = x;
        x = y;
        y = other;
    }
    return place;
}

/* Middle between two edges as a share of the whole range; what is no number lies at the beginning. */
static uint32_t square(float low, float high, double from, double range) {
    double share = (((double)low + high) / 2 - from) / range;
    return share > 0 ? (uint32_t)fmin(share * 65536, 65535) : 0;
}

struct place {
    uint32_t curve, index;
};

/* Sort by place on the curve, one byte after the other; equal places keep their order. */
static void sort_places(struct place *place, struct place *scratch, size_t n) {
    for (int shift = 0; shift < 32; shift += 8) {
        size_t start[257] = {0};
        for (size_t i = 0; i < n; i++) start[(place[i].curve >> shift & 255) + 1]++;
        for (size_t i = 0; i < 256; i++) start[i + 1] += start[i];
        for (size_t i = 0; i < n; i++) scratch[start[place[i].curve >> shift & 255]++] = place[i];
        struct place *other = place;
        place = scratch;
        scratch = other;
    }
}

/* The entries in the order of the curve: order[k] is the index of the k-th. */
static enum e5_status along_curve(const struct e5_spatial_entry *entry, size_t n, struct place *order,
                                  struct e5_error *err) {
    struct place *scratch;
    enum e5_status status = e5_alloc(n, sizeof *scratch, &scratch, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < n; i++) {
        const struct e5_spatial_entry *e = &entry[i];
        uint32_t x = square(e->min_x, e->max_x, -180, 360), y = square(e->min_y, e->max_y, -90, 180);
        order[i] = (struct place){hilbert(x, y), (uint32_t)i};
    }
    sort_places(order, scratch, n); /* four passes: the result is in `order` again */
    free(scratch);
    return E5_OK;
}

/* --- nodes --- */

struct tree {
    struct e5_database *db;
    struct e5_row node, parent, leaf; /* statements that add one row to each of SQLite's tables */
    unsigned char *bytes;             /* one node */
    size_t node_size, most;           /* bytes of a node, cells in it */
    int64_t next;                     /* number of the next node */
};

static unsigned char *put(unsigned char *to, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(number >> 8 * (bytes - 1 - i));
    return to + bytes;
}

static unsigned char *put_float(unsigned char *to, float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return put(to, bits, 4);
}

static enum e5_status write_pair(struct tree *tree, struct e5_row *row, int64_t a, int64_t b, struct e5_error *err) {
    e5_row_integer(row, a);
    e5_row_integer(row, b);
    return e5_row_run(tree->db, row, err);
}

/* One node of `n` cells; *out becomes the cell by which the level above knows it. */
static enum e5_status write_node(struct tree *tree, const struct e5_spatial_entry *cell, size_t n, unsigned depth,
                                 bool is_root, struct e5_spatial_entry *out, struct e5_error *err) {
    int64_t number = is_root ? ROOT : tree->next++;
    memset(tree->bytes, 0, tree->node_size);
    unsigned char *to = put(put(tree->bytes, is_root ? depth : 0, 2), n, 2);
    struct e5_spatial_entry whole = n > 0 ? cell[0] : (struct e5_spatial_entry){0};
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < n && status == E5_OK; i++) {
        to = put(to, (uint64_t)cell[i].id, 8);
        to = put_float(put_float(to, cell[i].min_x), cell[i].max_x);
        to = put_float(put_float(to, cell[i].min_y), cell[i].max_y);
        widen(&whole, &cell[i]);
        if (depth > 0) status = write_pair(tree, &tree->parent, cell[i].id, number, err);
    }
    if (status != E5_OK) return status;
    whole.id = number;
    *out = whole;
    e5_row_integer(&tree->node, number);
    e5_row_blob(&tree->node, tree->bytes, tree->node_size);
    return e5_row_run(tree->db, &tree->node, err);
}

/* One level: cells in, the cells of the level above out, over the same memory.  Nodes differ by one cell at most. */
static enum e5_status write_level(struct tree *tree, struct e5_spatial_entry *cell, size_t *n, unsigned depth,
                                  struct e5_error *err) {
    size_t nodes = *n > tree->most ? (*n + tree->most - 1) / tree->most : 1;
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < nodes && status == E5_OK; i++) {
        size_t first = *n * i / nodes, end = *n * (i + 1) / nodes;
        struct e5_spatial_entry above;
        status = write_node(tree, cell + first, end - first, depth, nodes == 1, &above, err);
        cell[i] = above;
    }
    *n = nodes;
    return status;
}

static enum e5_status write_nodes(struct tree *tree, struct e5_spatial_entry *cell, size_t n, struct e5_error *err) {
    enum e5_status status = write_level(tree, cell, &n, 0, err);
    for (unsigned depth = 1; n > 1 && status == E5_OK; depth++) status = write_level(tree, cell, &n, depth, err);
    return status;
}

/* Which leaf holds which event, in the order of their ids.  Leaves have the first numbers, as write_level() cuts
 * them. */
static enum e5_status write_leaves(struct tree *tree, const struct e5_spatial_entry *entry, const struct place *order,
                                   size_t n, struct e5_error *err) {
    int64_t *leaf;
    size_t nodes = n > tree->most ? (n + tree->most - 1) / tree->most : 1;
    enum e5_status status = e5_alloc(n, sizeof *leaf, &leaf, err);
    if (status != E5_OK) return status;
    for (size_t i = 0; i < nodes; i++)
        for (size_t k = n * i / nodes; k < n * (i + 1) / nodes; k++)
            leaf[order[k].index] = nodes == 1 ? ROOT : ROOT + 1 + (int64_t)i;
    for (size_t i = 0; i < n && status == E5_OK; i++)
        status = write_pair(tree, &tree->leaf, entry[i].id, leaf[i], err);
    free(leaf);
    return status;
}

static enum e5_status prepare(struct tree *tree, struct e5_error *err) {
    int64_t size = 0;
    enum e5_status status =
        e5_sql_integer(tree->db, "SELECT length(data) FROM " TREE "_node WHERE nodeno = 1", &size, err);
    if (status != E5_OK) return status;
    if (size < HEAD + 4 * CELL || size > 65536) return e5_sql_fail(tree->db, SQLITE_CORRUPT, "spatial index", err);
    tree->node_size = (size_t)size;
    tree->most = (tree->node_size - HEAD) / CELL;
    tree->next = ROOT + 1;
    status = e5_alloc(tree->node_size, 1, &tree->bytes, err);
    if (status == E5_OK)
        status =
            e5_sql_run(tree->db, "DELETE FROM " TREE "_node; DELETE FROM " TREE "_parent; DELETE FROM " TREE "_rowid",
                       err);
    if (status == E5_OK)
        status = e5_sql_prepare(tree->db, "INSERT INTO " TREE "_node (nodeno, data) VALUES (?, ?)", &tree->node, err);
    if (status == E5_OK)
        status = e5_sql_prepare(tree->db, "INSERT INTO " TREE "_parent (nodeno, parentnode) VALUES (?, ?)",
                                &tree->parent, err);
    if (status == E5_OK)
        status =
            e5_sql_prepare(tree->db, "INSERT INTO " TREE "_rowid (rowid, nodeno) VALUES (?, ?)", &tree->leaf, err);
    return status;
}

/* `entry` is in the order of ids. */
static enum e5_status write_tree(struct e5_database *db, const struct e5_spatial_entry *entry, size_t n,
                                 struct e5_error *err) {
    struct tree tree = {.db = db};
    struct place *order = NULL;
    struct e5_spatial_entry *cell = NULL;
    enum e5_status status = e5_alloc(n, sizeof *order, &order, err);
    if (status == E5_OK) status = e5_alloc(n + 1, sizeof *cell, &cell, err);
    if (status == E5_OK) status = along_curve(entry, n, order, err);
    if (status == E5_OK) status = prepare(&tree, err);
    for (size_t k = 0; k < n && status == E5_OK; k++) cell[k] = entry[order[k].index];
    if (status == E5_OK) status = write_leaves(&tree, entry, order, n, err);
    if (status == E5_OK) status = write_nodes(&tree, cell, n, err);
    e5_sql_finish(&tree.node);
    e5_sql_finish(&tree.parent);
    e5_sql_finish(&tree.leaf);
    free(tree.bytes);
    free(order);
    free(cell);
    return status;
}

/* --- the three steps --- */

enum e5_status e5_spatial_worth_it(struct e5_database *db, int64_t fresh, int64_t known, bool *out,
                                   struct e5_error *err) {
    static const char ours[] = "SELECT count(*) FROM sqlite_schema WHERE (name = '" TREE "' AND type = 'table'"
                               " AND sql LIKE 'CREATE VIRTUAL TABLE%USING rtree(id, minx, maxx, miny, maxy)')"
                               " OR (name = '" TREE "_insert' AND type = 'trigger')";
    int64_t found = 0;
    *out = false;
    if (fresh < FEW || fresh < known / SHARE) return E5_OK;
    enum e5_status status = e5_sql_integer(db, ours, &found, err);
    *out = found == 2;
    return status;
}

enum e5_status e5_spatial_begin(struct e5_database *db, struct e5_error *err) {
    return e5_sql_run(db, "DROP TRIGGER " TREE "_insert", err);
}

/* SQLite's own tables of the index are closed to a connection that distrusts its file. */
static enum e5_status write_undefended(struct e5_database *db, const struct e5_spatial_entry *entry, size_t n,
                                       struct e5_error *err) {
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    enum e5_status status = write_tree(db, entry, n, err);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return status;
}

enum e5_status e5_spatial_end(struct e5_database *db, const struct e5_spatial_entry *fresh, size_t n,
                              struct e5_error *err) {
    static const char *const triggers[] = {E5_GPKG_TRIGGERS("event", "geom", "id")};
    struct e5_spatial_entry *entry = NULL;
    int64_t known = 0;
    size_t old = 0;
    enum e5_status status = e5_sql_integer(db, "SELECT count(*) FROM " TREE "_rowid", &known, err);
    if (status == E5_OK) status = e5_alloc((size_t)known + n, sizeof *entry, &entry, err);
    if (status == E5_OK) status = read_old(db, entry, (size_t)known, &old, err);
    if (status == E5_OK) {
        qsort(entry, old, sizeof *entry, by_id);
        if (n > 0) memcpy(entry + old, fresh, n * sizeof *entry);
        status = write_undefended(db, entry, old + n, err);
    }
    free(entry);
    return status == E5_OK ? e5_sql_run(db, triggers[0], err) : status; /* the first one is that of inserts */
}
