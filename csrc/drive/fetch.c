#include "drive/fetch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "drive/fetch_engine.h"
#include "drive/fetch_file.h"
#include "drive/fetch_look.h"
#include "drive/fetch_loop.h"
#include "drive/fetch_memory.h"
#include "drive/fetch_poll.h"
#include "drive/fetch_submit.h"
#include "drive/fetch_target.h"
#include "net/hash_crew.h"

#define CONFIRM 0.25 /* of the wait after a rejection: a job that is queued for longer has survived */

static const e5_stage_fn stages[E5_STAGE_COUNT] = {
    [E5_STAGE_CLAIM] = e5_fetch_claim,   [E5_STAGE_INTEND] = e5_fetch_intend, [E5_STAGE_SUBMIT] = e5_fetch_submit,
    [E5_STAGE_LOOK] = e5_fetch_look,     [E5_STAGE_RECORD] = e5_fetch_record, [E5_STAGE_POLL] = e5_fetch_poll,
    [E5_STAGE_LOCATE] = e5_fetch_locate, [E5_STAGE_OPEN] = e5_fetch_open,     [E5_STAGE_LOAD] = e5_fetch_load,
    [E5_STAGE_CHECK] = e5_fetch_check,   [E5_STAGE_DONE] = e5_fetch_end,      [E5_STAGE_FAILED] = e5_fetch_end,
};

static enum e5_status check_options(const struct e5_fetch_options *options, struct e5_error *err) {
    if (options->http.url == NULL || options->http.user_agent == NULL)
        return e5_fail(err, E5_CONFIG, "no service address given");
    return e5_fetch_settings_check(&options->settings, err);
}

static struct e5_lane *find_lane(struct e5_engine *engine, const char *dataset) {
    for (size_t i = 0; i < engine->lane_count; i++)
        if (strcmp(engine->lanes[i].dataset, dataset) == 0) return &engine->lanes[i];
    struct e5_lane *lane = &engine->lanes[engine->lane_count++];
    *lane = (struct e5_lane){.dataset = dataset};
    e5_admission_init(&lane->admission, engine->random.random + engine->lane_count);
    return lane;
}

static enum e5_status read_request(struct e5_entry *entry, struct e5_error *err) {
    const struct e5_fetch_item *item = entry->item;
    json_t *inputs = NULL;
    enum e5_status status = e5_json_parse(item->request, strlen(item->request), E5_INPUT, &inputs, err);
    if (status == E5_OK && !json_is_object(inputs))
        status = e5_fail(err, E5_INPUT, "a request must be a JSON object");
    if (status == E5_OK && (item->dataset == NULL || item->dataset[0] == '\0'))
        status = e5_fail(err, E5_INPUT, "a request needs a dataset");
    if (status == E5_OK) status = e5_cds_fingerprint(item->dataset, inputs, entry->fingerprint, err);
    json_decref(inputs);
    return status;
}

/* What stands for the request where there is none: the job, or the file at the service, whose host changes from call
 * to call. */
static enum e5_status name_origin(struct e5_entry *entry, struct e5_error *err) {
    const struct e5_fetch_item *item = entry->item;
    bool summed = item->job_id == NULL && item->asset->checksum[0] != '\0';
    const char *name = item->job_id != NULL ? item->job_id : summed ? item->asset->checksum : item->asset->href;
    json_t *origin = json_pack("{s:s, s:I}", item->job_id != NULL ? "job" : "data", name, "size",
                               (json_int_t)(summed ? item->asset->size : -1));
    enum e5_status status = origin != NULL ? e5_cds_fingerprint("", origin, entry->fingerprint, err)
                                           : e5_fail(err, E5_INPUT, "an address or a job is not valid text");
    json_decref(origin);
    return status;
}

static enum e5_status read_item(struct e5_entry *entry, struct e5_error *err) {
    const struct e5_fetch_item *item = entry->item;
    if (item->goal == E5_GOAL_FILE && item->target == NULL) return e5_fail(err, E5_INPUT, "a file needs a name");
    if (item->goal == E5_GOAL_JOB && item->asset != NULL)
        return e5_fail(err, E5_INPUT, "a result cannot become a job");
    if (item->job_id != NULL && !e5_cds_good_id(item->job_id))
        return e5_fail(err, E5_INPUT, "'%.60s' is not the id of a job", item->job_id);
    if (item->request != NULL) return read_request(entry, err);
    if (item->job_id != NULL || item->asset != NULL) return name_origin(entry, err);
    return e5_fail(err, E5_INPUT, "neither request nor job nor result given");
}

static void prepare(struct e5_engine *engine, struct e5_entry *entry, const struct e5_fetch_item *item,
                    struct e5_fetch_result *result) {
    static const enum e5_stage goals[] = {[E5_GOAL_JOB] = E5_STAGE_POLL, [E5_GOAL_RESULT] = E5_STAGE_OPEN};
    size_t i = (size_t)(entry - engine->entries);
    entry->item = item;
    entry->result = result;
    entry->engine = engine;
    entry->twin = entry;
    entry->due = entry->deadline = INFINITY;
    entry->wants_new = item->fresh;
    if (item->goal != E5_GOAL_FILE) entry->life.goal = goals[item->goal];
    entry->life.looks = (unsigned char)engine->options->settings.looks;
    e5_retry_init(&entry->retry, engine->random.random + i);
}

/* An item that makes no sense ends here; the others queue up in the lane of their dataset, last one first. */
static void enter(struct e5_engine *engine, size_t i, const struct e5_fetch_item *item,
                  struct e5_fetch_result *result) {
    struct e5_entry *entry = &engine->entries[i];
    prepare(engine, entry, item, result);
    if (read_item(entry, &result->error) == E5_OK) {
        entry->lane = find_lane(engine, item->dataset != NULL ? item->dataset : "");
        entry->next = entry->lane->waiting;
        entry->lane->waiting = entry;
        entry->lane->unclaimed++;
    } else {
        entry->life.stage = E5_STAGE_FAILED;
        if (item->target != NULL) e5_error_target(&result->error, item->target);
        entry->is_ended = true;
        engine->ended++;
        engine->failed++;
    }
}

static int by_fingerprint(const void *a, const void *b) {
    const struct e5_entry *const *x = a, *const *y = b;
    int order = strcmp((*x)->fingerprint, (*y)->fingerprint);
    return order != 0 ? order : (*x > *y) - (*x < *y);
}

/* Entries with the same fingerprint become a ring; the list of the claimed, still empty, serves for sorting. */
static void find_twins(struct e5_engine *engine) {
    struct e5_entry **sorted = engine->claimed;
    size_t n = 0;
    for (size_t i = 0; i < engine->count; i++)
        if (!engine->entries[i].is_ended) sorted[n++] = &engine->entries[i];
    qsort(sorted, n, sizeof *sorted, by_fingerprint);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(sorted[i - 1]->fingerprint, sorted[i]->fingerprint) != 0) continue;
        sorted[i]->twin = sorted[i - 1]->twin;
        sorted[i - 1]->twin = sorted[i];
    }
}

static enum e5_status copy_service(const char *url, char **out, struct e5_error *err) {
    enum e5_status status = e5_strdup(url, out, err);
    for (size_t n = status == E5_OK ? strlen(*out) : 0; n > 0 && (*out)[n - 1] == '/'; n--) (*out)[n - 1] = '\0';
    return status;
}

static void set_policies(struct e5_engine *engine) {
    const struct e5_fetch_settings *settings = &engine->options->settings;
    double wait = settings->rejection_wait * settings->pace;
    engine->policy = e5_fetch_settings_retry(settings);
    engine->admission = (struct e5_admission_policy){
        .ceiling = settings->max_jobs, .rejection_wait = wait, .confirm = wait * CONFIRM};
    e5_retry_init(&engine->random, (uint64_t)(e5_clock_wall() * 1e6));
    e5_poll_init(engine);
}

static enum e5_status set_up(struct e5_engine *engine, size_t n, struct e5_error *err) {
    struct e5_http_options http = engine->options->http;
    e5_fetch_settings_limit(&engine->options->settings, &http);
    engine->stages = stages;
    engine->tend = e5_fetch_tend;
    set_policies(engine);
    enum e5_status status = copy_service(http.url, &engine->service, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *engine->entries, &engine->entries, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof *engine->lanes, &engine->lanes, err);
    if (status == E5_OK) status = e5_alloc(n, sizeof(struct e5_entry *), &engine->claimed, err);
    if (status == E5_OK) status = e5_hash_crew_new(&engine->crew, err);
    return status == E5_OK ? e5_http_new(&http, &engine->http, err) : status;
}

static void clear(struct e5_engine *engine) {
    e5_http_free(engine->http);
    e5_hash_crew_free(engine->crew);
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
    engine.most_heavy = pool != NULL ? e5_pool_size(pool) : 1;
    struct e5_error why = E5_ERROR_NONE;
    enum e5_status status = check_options(options, &why);
    if (status == E5_OK) status = set_up(&engine, n, &why);
    for (size_t i = 0; i < n; i++) results[i] = (struct e5_fetch_result){.error = why};
    if (status == E5_OK) {
        engine.count = n;
        for (size_t i = n; i-- > 0;) enter(&engine, i, &items[i], &results[i]);
        find_twins(&engine);
        status = e5_memory_open(&engine, &why);
        for (size_t i = 0; i < n && status != E5_OK; i++) /* nothing was begun */
            if (results[i].error.status == E5_OK) results[i].error = why;
        if (status == E5_OK) status = e5_loop_run(&engine, &why);
        e5_memory_close(&engine);
    }
    clear(&engine);
    if (err != NULL && err->status == E5_OK) *err = why;
    return status;
}
