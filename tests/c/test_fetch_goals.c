#include "fetch_room.h"

static const char some_job[] = "00000000-0000-4000-8000-000000000000"; /* the first that the service makes */

static void aim(size_t i, enum e5_goal goal) {
    items[i].goal = goal;
    if (goal != E5_GOAL_FILE) items[i].target = NULL;
}

TEST(a_job_is_enough) {
    begin();
    cds.keep_running = 1;
    for (size_t i = 0; i < 3; i++) aim(i, E5_GOAL_JOB);
    CHECK(fetch(3) == E5_OK);
    for (int i = 0; i < 3; i++) {
        CHECK(results[i].error.status == E5_OK && strlen(results[i].job_id) == 36 && results[i].asset == NULL);
        CHECK(strcmp(results[i].status, "") != 0 && results[i].size == 0);
    }
    CHECK(cds.jobs == 3 && folder_count() == 0 && atomic_load(&cds.store.requests) == 0);
    end();
}

TEST(a_result_is_an_address) {
    begin();
    aim(0, E5_GOAL_RESULT);
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK);
    const struct e5_cds_asset *asset = results[0].asset;
    CHECK(asset != NULL && strstr(asset->href, "/data.nc") != NULL && asset->size == DATA_SIZE);
    CHECK(asset != NULL && strcmp(asset->checksum, cds.md5) == 0);
    CHECK(strcmp(results[0].status, "successful") == 0 && atomic_load(&cds.store.requests) == 0);
    CHECK(cds.lists == 1 && cds.polls == 0 && atomic_load(&cds.api.requests) == 2); /* no call for the results */
    end();
}

TEST(a_job_that_exists_becomes_a_file) {
    begin();
    cds_add_job("era5", "{}");
    items[0] = (struct e5_fetch_item){.job_id = some_job, .target = targets[0], .goal = E5_GOAL_FILE};
    items[1] = (struct e5_fetch_item){.job_id = some_job, .goal = E5_GOAL_RESULT};
    CHECK(fetch(2) == E5_OK && results[0].error.status == E5_OK && results[1].error.status == E5_OK);
    CHECK(is_whole("0.nc") && cds.posts == 0 && strcmp(results[0].job_id, some_job) == 0);
    CHECK(results[1].asset != NULL && folder_count() == 1);
    end();
}

TEST(a_known_result_becomes_a_file) {
    begin();
    struct e5_cds_asset asset = {.size = DATA_SIZE, .media_type = "application/netcdf"};
    snprintf(asset.href, sizeof asset.href, "%s/data.nc", cds.store.origin);
    snprintf(asset.checksum, sizeof asset.checksum, "%s", cds.md5);
    items[0] = (struct e5_fetch_item){.asset = &asset, .target = targets[0], .goal = E5_GOAL_FILE};
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && is_whole("0.nc"));
    CHECK(atomic_load(&cds.api.requests) == 0 && results[0].verified == E5_VERIFIED_CHECKSUM);
    CHECK(folder_count() == 1 && results[0].job_id[0] == '\0');
    cds.dead_links = true;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_RESULTS_EXPIRED);
    CHECK(atomic_load(&cds.api.requests) == 0 && is_whole("0.nc")); /* nobody to ask, and the old file stands */
    end();
}

TEST(a_dead_address_is_asked_for_again_where_the_job_is_known) {
    begin();
    cds_add_job("era5", "{}");
    struct e5_cds_asset asset = {.size = DATA_SIZE, .media_type = "application/netcdf"};
    snprintf(asset.href, sizeof asset.href, "%s/data.nc", "http://127.0.0.1:9");
    snprintf(asset.href, sizeof asset.href, "%s/retrieve/v1/jobs/ffffffff-0000/results", cds.api.origin); /* 404 */
    snprintf(asset.checksum, sizeof asset.checksum, "%s", cds.md5);
    items[0] =
        (struct e5_fetch_item){.asset = &asset, .job_id = some_job, .target = targets[0], .goal = E5_GOAL_FILE};
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && is_whole("0.nc"));
    CHECK(cds.posts == 0 && strstr(results[0].asset->href, cds.store.origin) != NULL);
    end();
}

TEST(a_part_of_a_known_result_is_gone_on_with) {
    struct fetch_call call;
    double seconds;
    begin();
    struct e5_cds_asset asset = {.size = DATA_SIZE, .media_type = "application/netcdf"};
    snprintf(asset.href, sizeof asset.href, "%s/data.nc", cds.store.origin);
    snprintf(asset.checksum, sizeof asset.checksum, "%s", cds.md5);
    items[0] = (struct e5_fetch_item){.asset = &asset, .target = targets[0], .goal = E5_GOAL_FILE};
    cds.cut_at = 50000;
    start_fetch(&call, 1);
    WAIT_UNTIL(&call, atomic_load(&e5_job_watch(call.job)->done) >= 50000);
    CHECK(cancel_fetch(&call, &seconds) == E5_CANCELLED && folder_count() == 2);
    cds.cut_at = 0;
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_OK && is_whole("0.nc") && cds.ranges == 1);
    end();
}

TEST(what_cannot_be_made_again_is_an_error) {
    begin();
    cds.expired = true;
    cds_add_job("era5", "{}");
    items[0] = (struct e5_fetch_item){.job_id = some_job, .target = targets[0], .goal = E5_GOAL_FILE};
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_RESULTS_EXPIRED);
    CHECK(strcmp(results[0].error.job_id, some_job) == 0 && cds.posts == 0 && folder_count() == 0);
    items[0].job_id = "ffffffff-0000-4000-8000-000000000000";
    CHECK(fetch(1) == E5_OK && results[0].error.status == E5_JOB_LOST && cds.posts == 0);
    end();
}

TEST(fresh_means_a_new_job) {
    begin();
    items[1].request = items[0].request;
    items[0].fresh = items[1].fresh = true;
    CHECK(fetch(2) == E5_OK && results[0].error.status == E5_OK && results[1].error.status == E5_OK);
    CHECK(cds.jobs == 2 && strcmp(results[0].job_id, results[1].job_id) != 0);
    end();
}

TEST(items_that_make_no_sense_are_refused) {
    begin();
    struct e5_cds_asset asset = {.size = 1, .href = "https://example.org/x"};
    items[0] = (struct e5_fetch_item){.goal = E5_GOAL_JOB};
    items[1] = (struct e5_fetch_item){.dataset = "era5", .request = "{}", .goal = E5_GOAL_FILE};
    items[2] = (struct e5_fetch_item){.job_id = "../x", .goal = E5_GOAL_RESULT};
    items[3] = (struct e5_fetch_item){.asset = &asset, .goal = E5_GOAL_JOB};
    items[4] = (struct e5_fetch_item){.request = "{}", .goal = E5_GOAL_JOB};
    CHECK(fetch(5) == E5_OK && atomic_load(&cds.api.requests) == 0);
    for (int i = 0; i < 5; i++) CHECK(results[i].error.status == E5_INPUT);
    end();
}

int main(void) {
    RUN(a_job_is_enough);
    RUN(a_result_is_an_address);
    RUN(a_job_that_exists_becomes_a_file);
    RUN(a_known_result_becomes_a_file);
    RUN(a_dead_address_is_asked_for_again_where_the_job_is_known);
    RUN(a_part_of_a_known_result_is_gone_on_with);
    RUN(what_cannot_be_made_again_is_an_error);
    RUN(fresh_means_a_new_job);
    RUN(items_that_make_no_sense_are_refused);
    return check_summary();
}
