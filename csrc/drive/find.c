#include "drive/find.h"

#include "drive/find_joining.h"

enum e5_status e5_find(const struct e5_find_request *request, struct e5_pool *pool, struct e5_watch *watch,
                       struct e5_events **out, struct e5_error *err) {
    struct e5_parallel threads = pool != NULL ? e5_pool_parallel(pool) : (struct e5_parallel){.slots = 1};
    const struct e5_parallel *par = pool != NULL ? &threads : NULL;
    struct e5_find_ground ground = {0};
    struct e5_find_joining joining = {0};
    *out = NULL;
    enum e5_status status = E5_OK;
    if (request->source->steps != request->axis.n)
        status = e5_fail(err, E5_INPUT, "%zu time steps, but %zu times", request->source->steps, request->axis.n);
    if (status == E5_OK) status = e5_find_ground_init(&ground, request->grid, request->rule, err);
    if (status == E5_OK) status = e5_find_joining_init(&joining, request, &ground, par, watch, err);
    struct e5_find_range all = {.linked = joining.linked, .first = 0, .end = request->source->steps};
    if (status == E5_OK)
        status = e5_find_stream(request, &ground, &all, par, watch, e5_find_joining_add, &joining, err);
    if (status == E5_OK) status = e5_find_joining_end(&joining, request->climatology != NULL, out, err);
    e5_find_joining_fini(&joining);
    e5_find_ground_fini(&ground);
    return status;
}
