#include "drive/fetch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drive/fetch_engine.h"
#include "drive/fetch_file.h"
#include "drive/fetch_service.h"
#include "drive/fetch_target.h"

static const e5_stage_fn stages[E5_STAGE_COUNT] = {
    [E5_STAGE_CLAIM] = e5_fetch_claim,   [E5_STAGE_INTEND] = e5_fetch_intend, [E5_STAGE_SUBMIT] = e5_fetch_submit,
    [E5_STAGE_LOOK] = e5_fetch_look,     [E5_STAGE_RECORD] = e5_fetch_record, [E5_STAGE_POLL] = e5_fetch_poll,
    [E5_STAGE_LOCATE] = e5_fetch_locate, [E5_STAGE_OPEN] = e5_fetch_open,     [E5_STAGE_LOAD] = e5_fetch_load,
    [E5_STAGE_CHECK] = e5_fetch_check,   [E5_STAGE_DONE] = e5_fetch_end,      [E5_STAGE_FAILED] = e5_fetch_end,
};

static enum e5_status check_options(const struct e5_fetch_options *options, struct e5_error *err) {
    if (options->url == NULL || options->user_agent == NULL)
        return e5_fail(err, E5_CONFIG, "no service address given");
    if (options->max_jobs == 0 || options->max_transfers == 0)
        return e5_fail(err, E5_INPUT, "max_jobs and max_transfers must be at least 1");
    bool good = options->patience >= 0 && options->poll_first > 0 && options->poll_cap >= options->poll_first &&
                options->pace >= 0;
    return good ? E5_OK : e5_fail(err, E5_INPUT, "patience, poll times and pace must not be negative");
}

static struct e5_lane *find_lane(struct e5_engine *engine, const char *dataset) {
    for (size_t i = 0; i < engine->lane_count; i++)
        if (strcmp(engine->lanes[i].dataset, dataset) == 0) return &engine->lanes[i];
    struct e5_lane *lane = &engine->lanes[engine->lane_count++];
    *lane = (struct e5_lane){.dataset = dataset, .slots = engine->options->max_jobs};
    return lane;
}

static enum e5_status read_request(struct e5_entry *entry, struct e5_error *err) {
    const struct e5_fetch_item *item = entry->item;
    enum e5_status status = e5_json_parse(item->request, strlen(item->request), E5_INPUT, &entry->inputs, err);
    if (status == E5_OK && !json_is_object(entry->inputs))
        status = e5_fail(err, E5_INPUT, "a request must be a JSON object");
    if (status == E5_OK && item->dataset[0] == '\0') status = e5_fail(err, E5_INPUT, "a request needs a dataset");
    return status == E5_OK ? e5_cds_fingerprint(item->dataset, entry->inputs, entry->fingerprint, err) : status;
}

/* A request that cannot be read ends here; the others queue up in the lane of their dataset, last one first. */
static void enter(struct e5_engine *engine, size_t i, const struct e5_fetch_item *item,
                  struct e5_fetch_result *result) {
    struct e5_entry *entry = &engine->entries[i];
    entry->item = item;
    entry->result = result;
    entry->engine = engine;
    entry->due = INFINITY;
    entry->place = E5_PLACE_NONE;
    entry->part = E5_PART_NONE;
    e5_retry_init(&entry->retry, engine->random.random + i);
    if (read_request(entry, &result->error) == E5_OK) {
        entry->lane = find_lane(engine, item->dataset);
        entry->next = entry->lane->waiting;
        entry->lane->waiting = entry;
    } else {
        entry->life.stage = E5_STAGE_FAILED;
        e5_error_target(&result->error, item->target);
        entry->is_ended = true;
        engine->ended++;
    }
}

static enum e5_status copy_service(const char *url, char **out, struct e5_error *err) {
    enum e5_status status = e5_strdup(url, out, err);
    for (size_t n = status == E5_OK ? strlen(*out) : 0; n > 0 && (*out)[n - 1] == '/'; n--) (*out)[n - 1] = '\0';
    return status;
}

static enum e5_status set_up(struct e5_engine *engine, size_t n, struct e5_error *err) {
    const struct e5_fetch_options *options = engine->options;
    struct e5_http_options http = {options->url, options->key, options->user_agent, options->ca_file};
    double pace = options->pace > 0 ? options->pace : 1;
    engine->stages = stages;
    engine->tend = e5_fetch_tend;
    engine->policy = (struct e5_retry_policy){.patience = options->patience, .pace = pace};
    e5_retry_init(&engine->random, (uint64_t)(e5_clock_wall() * 1e6));
    enum e5_status status = copy_service(options->url, &engine->service, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *engine->entries, &engine->entries, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *engine->lanes, &engine->lanes, err);
    if (status == E5_OK) status = e5_alloc(E5_FETCH_CLAIMS, sizeof(struct e5_entry *), &engine->claimed, err);
    return status == E5_OK ? e5_http_new(&http, &engine->http, err) : status;
}

static void clear(struct e5_engine *engine) {
    for (size_t i = 0; i < engine->count; i++) json_decref(engine->entries[i].inputs);
    e5_http_free(engine->http);
    e5_queue_fini(&engine->queue);
    free(engine->service);
    free(engine->entries);
    free(engine->claimed);
    free(engine->lanes);
    free(engine->holds);
}

enum e5_status e5_fetch(const struct e5_fetch_options *options, const struct e5_fetch_item *items, size_t n,
                        struct e5_pool *pool, struct e5_fetch_result *results, struct e5_watch *watch,
                        struct e5_error *err) {
    struct e5_engine engine = {.options = options, .watch = watch, .error = E5_ERROR_NONE};
    engine.most_checks = pool != NULL ? e5_pool_size(pool) : 1;
    struct e5_error why = E5_ERROR_NONE;
    enum e5_status status = check_options(options, &why);
    if (status == E5_OK) status = set_up(&engine, n, &why);
    for (size_t i = 0; i < n; i++) results[i] = (struct e5_fetch_result){.error = why};
    if (status == E5_OK) {
        engine.count = n;
        for (size_t i = n; i-- > 0;) enter(&engine, i, &items[i], &results[i]);
        status = e5_engine_run(&engine, &why);
    }
    clear(&engine);
    if (err != NULL && err->status == E5_OK) *err = why;
    return status;
}
