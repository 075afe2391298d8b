#include "events/point_tracks.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "diag/geodesy.h"
#include "events/assignment.h"
#include "model/grid.h"

struct end { /* of a track that may go on: its last point */
    int64_t track;
    size_t point;
};

struct linking {
    const struct e5_points *points;
    double distance;
    int64_t gap, tracks;
    struct end *end; /* in order of track */
    size_t ends;
    struct e5_pair *pair;
    size_t pairs, room;
    size_t widest;              /* most points of a step */
    double *latitude, *longitude, *away; /* widest each */
    size_t *other;              /* of ends */
    bool *taken;                /* points of the step */
    struct e5_assignment scratch;
};

static size_t widest_step(const struct e5_points *points) {
    size_t widest = 0;
    for (size_t i = 0, first = 0; i < points->count; i++) {
        if (points->step[i] != points->step[first]) first = i;
        if (i + 1 - first > widest) widest = i + 1 - first;
    }
    return widest;
}

static enum e5_status begin(struct linking *linking, struct e5_error *err) {
    size_t n = linking->points->count, widest = linking->widest = widest_step(linking->points);
    enum e5_status status = e5_alloc(n, sizeof *linking->end, &linking->end, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *linking->other, &linking->other, err);
    if (status == E5_OK) status = e5_alloc(widest, 3 * sizeof(double), &linking->latitude, err);
    if (status == E5_OK) status = e5_alloc(widest, sizeof(bool), &linking->taken, err);
    linking->longitude = linking->latitude + widest;
    linking->away = linking->longitude + widest;
    return status;
}

static void finish(struct linking *linking) {
    free(linking->end);
    free(linking->pair);
    free(linking->latitude);
    free(linking->other);
    free(linking->taken);
    e5_assignment_fini(&linking->scratch);
}

/* --- possible pairs --- */

static size_t first_from(const double *latitude, size_t first, size_t end, double south) {
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (latitude[middle] < south)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static enum e5_status add_pair(struct linking *linking, struct e5_pair pair, struct e5_error *err) {
    if (linking->pairs == linking->room) {
        size_t room = 2 * linking->room + 64;
        enum e5_status status = e5_grow(linking->room, room, sizeof pair, &linking->pair, err);
        if (status != E5_OK) return status;
        linking->room = room;
    }
    linking->pair[linking->pairs++] = pair;
    return E5_OK;
}

/* Pairs of one track with the points [first, end) of a step. */
static enum e5_status find_pairs(struct linking *linking, size_t which, size_t first, size_t end,
                                 struct e5_error *err) {
    const struct e5_points *points = linking->points;
    size_t last = linking->end[which].point, n = 0;
    double reach = linking->distance / E5_EARTH_RADIUS_KM * (180 / M_PI) + 1e-9;
    enum e5_status status = E5_OK;
    size_t from = first_from(points->latitude, first, end, points->latitude[last] - reach);
    for (size_t i = from; i < end && points->latitude[i] <= points->latitude[last] + reach; i++, n++) {
        linking->latitude[n] = points->latitude[last];
        linking->longitude[n] = points->longitude[last];
    }
    e5_geodesy_pairs(linking->latitude, linking->longitude, points->latitude + from, points->longitude + from,
                     linking->away, n);
    for (size_t i = 0; i < n && status == E5_OK; i++)
        if (linking->away[i] <= linking->distance)
            status = add_pair(linking, (struct e5_pair){which, from + i - first, linking->away[i] * linking->away[i]},
                              err);
    return status;
}

/* --- one step --- */

static void drop_ended(struct linking *linking, int64_t step) {
    size_t kept = 0;
    for (size_t i = 0; i < linking->ends; i++)
        if (step - linking->points->step[linking->end[i].point] - 1 <= linking->gap)
            linking->end[kept++] = linking->end[i];
    linking->ends = kept;
}

static enum e5_status link_step(struct linking *linking, size_t first, size_t end, int64_t *track,
                                struct e5_error *err) {
    enum e5_status status = E5_OK;
    drop_ended(linking, linking->points->step[first]);
    linking->pairs = 0;
    for (size_t i = 0; i < linking->ends && status == E5_OK; i++) status = find_pairs(linking, i, first, end, err);
    if (status == E5_OK)
        status = e5_assign(linking->pair, linking->pairs, linking->ends, end - first,
                           linking->distance * linking->distance, &linking->scratch, linking->other, err);
    if (status != E5_OK) return status;
    memset(linking->taken, 0, (end - first) * sizeof *linking->taken);
    for (size_t i = 0; i < linking->ends; i++) {
        if (linking->other[i] == E5_ALONE) continue;
        size_t point = linking->end[i].point = first + linking->other[i];
        linking->taken[point - first] = true;
        track[point] = linking->end[i].track;
    }
    for (size_t point = first; point < end; point++) {
        if (linking->taken[point - first]) continue;
        track[point] = linking->tracks;
        linking->end[linking->ends++] = (struct end){linking->tracks++, point};
    }
    return E5_OK;
}

enum e5_status e5_point_tracks(const struct e5_points *points, double distance, int64_t gap, struct e5_watch *watch,
                               int64_t *track, struct e5_error *err) {
    struct linking linking = {.points = points, .distance = distance, .gap = gap};
    enum e5_status status = begin(&linking, err);
    e5_watch_expect(watch, (int64_t)points->count);
    for (size_t first = 0, end; first < points->count && status == E5_OK; first = end) {
        for (end = first + 1; end < points->count && points->step[end] == points->step[first];) end++;
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = link_step(&linking, first, end, track, err);
        e5_watch_add(watch, (int64_t)(end - first));
    }
    finish(&linking);
    return status;
}
