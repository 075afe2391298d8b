#include "events/assignment.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "events/sets.h"

void e5_assignment_fini(struct e5_assignment *scratch) {
    free(scratch->parent);
    free(scratch->order);
    free(scratch->matrix);
    free(scratch->price);
    free(scratch->path);
    *scratch = (struct e5_assignment){0};
}

/* --- scratch --- */

static enum e5_status room_for_members(struct e5_assignment *scratch, size_t members, struct e5_error *err) {
    if (scratch->parent != NULL && scratch->members > members) return E5_OK;
    if (members > INT32_MAX) return e5_fail(err, E5_UNSAFE, "%zu members are too many to pair", members);
    size_t room = 2 * members + 16;
    free(scratch->parent);
    free(scratch->order);
    scratch->parent = NULL;
    scratch->order = NULL;
    enum e5_status status = e5_alloc(room, 3 * sizeof(size_t), &scratch->order, err);
    if (status == E5_OK) status = e5_alloc(room, sizeof *scratch->parent, &scratch->parent, err);
    if (status != E5_OK) return status;
    scratch->place = scratch->order + room;
    scratch->start = scratch->place + room;
    scratch->members = room;
    return E5_OK;
}

static enum e5_status room_for_group(struct e5_assignment *scratch, size_t rows, size_t columns,
                                     struct e5_error *err) {
    size_t entries, side = columns + 1;
    enum e5_status status = e5_multiply(rows, columns, &entries, err);
    if (status == E5_OK && entries > scratch->entries) {
        free(scratch->matrix);
        scratch->entries = 0;
        status = e5_alloc(entries, sizeof(double), &scratch->matrix, err);
        if (status == E5_OK) scratch->entries = entries;
    }
    if (status != E5_OK || side <= scratch->side) return status;
    free(scratch->price);
    free(scratch->path);
    scratch->price = NULL;
    scratch->path = NULL;
    scratch->side = 0;
    status = e5_alloc(side, 3 * sizeof(double), &scratch->price, err);
    if (status == E5_OK) status = e5_alloc(side, 3 * sizeof(size_t), &scratch->path, err);
    if (status == E5_OK) scratch->side = side;
    return status;
}

/* --- groups --- */

/* Members in the order of their groups, and the place of each in its group; of parent[] the root of the group is
 * left. */
static void sort_groups(struct e5_assignment *scratch, size_t members) {
    int32_t *parent = scratch->parent;
    size_t *next = scratch->place, sum = 0;
    for (size_t i = 0; i < members; i++) parent[i] = e5_sets_root(parent, (int32_t)i);
    memset(next, 0, members * sizeof *next);
    for (size_t i = 0; i < members; i++) next[parent[i]]++;
    for (size_t i = 0; i < members; i++) {
        size_t count = next[i];
        next[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < members; i++) scratch->order[next[parent[i]]++] = i;
    for (size_t k = 0, first = 0; k < members; k++) {
        if (k > 0 && parent[scratch->order[k]] != parent[scratch->order[k - 1]]) first = k;
        scratch->place[scratch->order[k]] = k - first;
    }
}

/* --- one group --- */

struct problem {
    const struct e5_pair *pair;
    const size_t *start; /* from + 1: pairs of each member of the first list */
    size_t from;
    double alone;
};

struct group {
    const size_t *member; /* those of the first list, and then those of the second */
    size_t from, to;      /* how many */
    bool turned;          /* rows of the matrix are those of the second list */
    size_t rows, columns; /* rows ≤ columns */
};

static struct group make_group(const size_t *member, size_t count, size_t from) {
    struct group group = {.member = member};
    while (group.from < count && member[group.from] < from) group.from++;
    group.to = count - group.from;
    group.turned = group.from > group.to;
    group.rows = group.turned ? group.to : group.from;
    group.columns = group.turned ? group.from : group.to;
    return group;
}

static void fill_matrix(const struct problem *problem, const struct group *group, const size_t *place,
                        double *matrix) {
    for (size_t i = 0; i < group->rows * group->columns; i++) matrix[i] = problem->alone;
    for (size_t a = 0; a < group->from; a++) {
        size_t member = group->member[a];
        for (size_t i = problem->start[member]; i < problem->start[member + 1]; i++) {
            size_t b = place[problem->from + problem->pair[i].to] - group->from;
            matrix[group->turned ? b * group->columns + a : a * group->columns + b] = problem->pair[i].cost;
        }
    }
}

struct ways { /* rows and columns count from 1; column 0 stands for the row that looks for one */
    size_t columns;
    const double *matrix;
    double *row_price, *column_price, *least;
    size_t *row_of, *back, *used;
};

/* Shorten the ways by one column: the nearest that no way has used. */
static size_t next_column(struct ways *w, size_t column) {
    size_t row = w->row_of[column], next = 0;
    double step = INFINITY;
    w->used[column] = 1;
    for (size_t j = 1; j <= w->columns; j++) {
        if (w->used[j]) continue;
        double cost = w->matrix[(row - 1) * w->columns + j - 1] - w->row_price[row] - w->column_price[j];
        if (cost < w->least[j]) w->least[j] = cost, w->back[j] = column;
        if (w->least[j] < step) step = w->least[j], next = j;
    }
    for (size_t j = 0; j <= w->columns; j++) {
        if (w->used[j])
            w->row_price[w->row_of[j]] += step, w->column_price[j] -= step;
        else
            w->least[j] -= step;
    }
    return next;
}

/* Find the cheapest way from a row to a free column, and turn the pairs along it. */
static void augment(struct ways *w, size_t row) {
    size_t column = 0;
    w->row_of[0] = row;
    for (size_t j = 0; j <= w->columns; j++) {
        w->least[j] = INFINITY;
        w->used[j] = 0;
    }
    do column = next_column(w, column);
    while (w->row_of[column] != 0);
    for (; column != 0; column = w->back[column]) w->row_of[column] = w->row_of[w->back[column]];
}

static enum e5_status solve(const struct problem *problem, const struct group *group, struct e5_assignment *scratch,
                            size_t *other, struct e5_error *err) {
    enum e5_status status = room_for_group(scratch, group->rows, group->columns, err);
    if (status != E5_OK) return status;
    size_t side = group->columns + 1;
    double *price = scratch->price;
    size_t *path = scratch->path;
    struct ways ways = {group->columns, scratch->matrix, price,          price + side, price + 2 * side,
                        path,           path + side,     path + 2 * side};
    fill_matrix(problem, group, scratch->place, scratch->matrix);
    memset(price, 0, 2 * side * sizeof *price);
    memset(path, 0, side * sizeof *path);
    for (size_t row = 1; row <= group->rows; row++) augment(&ways, row);
    for (size_t j = 1; j < side; j++) {
        if (path[j] == 0) continue;
        size_t a = group->turned ? j - 1 : path[j] - 1, b = group->turned ? path[j] - 1 : j - 1;
        other[group->member[a]] = group->member[group->from + b] - problem->from;
    }
    return E5_OK;
}

/* What is not possible only filled the matrix: its members stay alone. */
static void drop_impossible(const struct problem *problem, size_t *other) {
    for (size_t member = 0; member < problem->from; member++) {
        bool possible = false;
        for (size_t i = problem->start[member]; i < problem->start[member + 1]; i++)
            possible |= problem->pair[i].to == other[member];
        if (!possible) other[member] = E5_ALONE;
    }
}

/* --- all of them --- */

static void prepare(const struct e5_pair *pair, size_t pairs, size_t from, size_t to, struct e5_assignment *scratch,
                    size_t *other) {
    e5_sets_begin(scratch->parent, 0, from + to);
    for (size_t i = 0; i < pairs; i++)
        e5_sets_unite(scratch->parent, (int32_t)pair[i].from, (int32_t)(from + pair[i].to));
    sort_groups(scratch, from + to);
    for (size_t member = 0, i = 0; member <= from; member++) {
        while (i < pairs && pair[i].from < member) i++;
        scratch->start[member] = i;
    }
    for (size_t member = 0; member < from; member++) other[member] = E5_ALONE;
}

enum e5_status e5_assign(const struct e5_pair *pair, size_t pairs, size_t from, size_t to, double alone,
                         struct e5_assignment *scratch, size_t *other, struct e5_error *err) {
    size_t members = from + to;
    enum e5_status status = room_for_members(scratch, members, err);
    if (status != E5_OK) return status;
    prepare(pair, pairs, from, to, scratch, other);
    struct problem problem = {pair, scratch->start, from, alone};
    for (size_t first = 0, end; first < members && status == E5_OK; first = end) {
        int32_t mine = scratch->parent[scratch->order[first]];
        for (end = first + 1; end < members && scratch->parent[scratch->order[end]] == mine;) end++;
        struct group group = make_group(scratch->order + first, end - first, from);
        if (group.rows > 0) status = solve(&problem, &group, scratch, other, err);
    }
    if (status == E5_OK) drop_impossible(&problem, other);
    return status;
}
