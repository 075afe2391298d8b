#include "diag/stations.h"

#include <math.h>

#include "base/alloc.h"

#define BLOCK ((size_t)32) /* steps of a task: their results are whole lines of memory */

struct call {
    const struct e5_stations *stations;
    const struct e5_view *maps;
    const struct e5_station_series *series;
    size_t steps;
    ptrdiff_t *place; /* of the first cell of each station, in a map */
    bool direct;      /* of each station only that cell counts, and it holds a float as the result does */
};

static double value_at(const struct e5_view *maps, const char *at) {
    double value;
    if (maps->dtype == E5_F32 && !maps->swapped && (uintptr_t)at % sizeof(float) == 0)
        return (double)*(const float *)(const void *)at;
    e5_view_decode(maps, at, 0, 1, &value);
    return value;
}

static double sample(const struct call *call, const char *map, size_t station) {
    const struct e5_stations *stations = call->stations;
    const ptrdiff_t *strides = call->maps->strides;
    double sum = 0, used = 0, whole = 0;
    for (size_t i = station * E5_STATION_CELLS; i < (station + 1) * E5_STATION_CELLS; i++) {
        double weight = stations->weight[i];
        if (weight == 0) continue;
        ptrdiff_t place = (ptrdiff_t)stations->row[i] * strides[1] + (ptrdiff_t)stations->column[i] * strides[2];
        double value = value_at(call->maps, map + place);
        whole += weight;
        if (stations->skip_missing && isnan(value)) continue;
        used += weight;
        sum += weight * value;
    }
    return used == whole ? sum : used > 0 ? sum * (whole / used) : NAN;
}

static void copy_map(const struct call *call, const char *map, size_t step) {
    float *out = (float *)call->series->out + step;
    const double *weight = call->stations->weight;
    for (size_t s = 0; s < call->stations->count; s++) {
        float value = *(const float *)(const void *)(map + call->place[s]);
        out[s * call->series->stride] = weight[s * E5_STATION_CELLS] == 1 ? value : NAN;
    }
}

static void sample_map(const struct call *call, const char *map, size_t step) {
    const struct e5_station_series *series = call->series;
    for (size_t s = 0; s < call->stations->count; s++) {
        size_t place = s * series->stride + step;
        double value = sample(call, map, s);
        if (series->dtype == E5_F32)
            ((float *)series->out)[place] = (float)value;
        else
            ((double *)series->out)[place] = value;
    }
}

static enum e5_status sample_task(void *context, size_t index, unsigned slot, struct e5_error *err) {
    (void)slot, (void)err;
    const struct call *call = context;
    size_t end = (index + 1) * BLOCK < call->steps ? (index + 1) * BLOCK : call->steps;
    for (size_t step = index * BLOCK; step < end; step++) {
        const char *map = (const char *)call->maps->data + (ptrdiff_t)step * call->maps->strides[0];
        (call->direct ? copy_map : sample_map)(call, map, step);
    }
    return E5_OK;
}

/* Whether every station is a copy of one cell; its places are noted on the way. */
static bool is_direct(struct call *call) {
    const struct e5_stations *stations = call->stations;
    const struct e5_view *maps = call->maps;
    uintptr_t odd = (uintptr_t)maps->data | (uintptr_t)maps->strides[0] | (uintptr_t)maps->strides[1] |
                    (uintptr_t)maps->strides[2];
    bool direct =
        maps->dtype == E5_F32 && !maps->swapped && call->series->dtype == E5_F32 && odd % sizeof(float) == 0;
    for (size_t s = 0; s < stations->count; s++) {
        const double *weight = stations->weight + s * E5_STATION_CELLS;
        direct &= (weight[0] == 1 || isnan(weight[0])) && weight[1] == 0 && weight[2] == 0 && weight[3] == 0;
        call->place[s] = (ptrdiff_t)stations->row[s * E5_STATION_CELLS] * maps->strides[1] +
                         (ptrdiff_t)stations->column[s * E5_STATION_CELLS] * maps->strides[2];
    }
    return direct;
}

static bool cells_are_inside(const struct e5_stations *stations, const struct e5_view *maps) {
    for (size_t i = 0; i < stations->count * E5_STATION_CELLS; i++)
        if (stations->row[i] < 0 || (uint64_t)stations->row[i] >= maps->shape[1] || stations->column[i] < 0 ||
            (uint64_t)stations->column[i] >= maps->shape[2])
            return false;
    return true;
}

enum e5_status e5_stations_sample(const struct e5_stations *stations, const struct e5_view *maps,
                                  const struct e5_station_series *series, const struct e5_parallel *par,
                                  struct e5_watch *watch, struct e5_error *err) {
    struct call call = {.stations = stations, .maps = maps, .series = series, .steps = maps->shape[0]};
    if (!cells_are_inside(stations, maps)) return e5_fail(err, E5_INTERNAL, "a station outside the map");
    enum e5_status status = e5_alloc(stations->count, sizeof *call.place, &call.place, err);
    if (status != E5_OK) return status;
    call.direct = is_direct(&call);
    status = e5_parallel_for(par, watch, (call.steps + BLOCK - 1) / BLOCK, sample_task, &call, err);
    free(call.place);
    return status;
}
