#include "drive/fetch.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "check.h"
#include "folder.h"
#include "store.h"

#define MIB ((int64_t)1 << 20)

static struct e5_fetch_options options;
static struct e5_cds_asset asset;
static struct e5_fetch_result result;
static struct e5_watch watch;
static char target[200];

static void settle(const char *origin, int64_t size) {
    static char url[100];
    snprintf(url, sizeof url, "%s/api", origin);
    options = (struct e5_fetch_options){.http = {.url = url, .key = "secret-key", .user_agent = "tester/1"},
                                        .overwrite = E5_OVERWRITE_ALWAYS};
    e5_fetch_settings_init(&options.settings);
    options.settings.pace = 0.01;
    options.settings.patience = 5;
    asset = (struct e5_cds_asset){.size = size};
    snprintf(asset.href, sizeof asset.href, "%s/data", origin);
}

static void begin(int64_t size) {
    folder_make();
    store_start(size);
    settle(store.origin, size);
    snprintf(target, sizeof target, "%s", folder_path("file"));
}

static void end(void) {
    store_stop();
    e5_fetch_results_fini(&result, 1);
    folder_remove();
}

static void drop_line(void *context, enum e5_log_level level, const char *line) {
    (void)context, (void)level, (void)line;
}

static enum e5_status fetch(void) {
    struct e5_error err = E5_ERROR_NONE;
    struct e5_fetch_item item = {.asset = &asset, .target = target, .goal = E5_GOAL_FILE};
    memset(&watch, 0, sizeof watch);
    e5_fetch_results_fini(&result, 1);
    enum e5_status status = e5_fetch(&options, &item, 1, NULL, &result, &watch, &err);
    e5_log_drain(drop_line, NULL);
    CHECK(status == E5_OK && atomic_load(&watch.done) == (result.error.status == E5_OK ? store.size : 0));
    if (result.error.status != E5_OK) printf("%s\n", result.error.what);
    return result.error.status;
}

/* The file has every byte of that version of the object. */
static bool is_whole(int version) {
    static char found[1 << 20], expected[1 << 20];
    FILE *file = fopen(target, "rb");
    int64_t at = 0;
    bool same = file != NULL;
    for (size_t got; same && (got = fread(found, 1, sizeof found, file)) > 0; at += (int64_t)got) {
        store_fill(expected, at, got, version);
        same = memcmp(found, expected, got) == 0;
    }
    if (file != NULL) fclose(file);
    return same && at == store.size && folder_count() == 1;
}

static int64_t sent_again(void) { return atomic_load(&store.sent) - store.size; }

TEST(slow_connections_are_joined_by_others) {
    begin(96 * MIB);
    store.rate = 60;
    CHECK(fetch() == E5_OK && is_whole(0));
    CHECK(atomic_load(&store.peak) > 1 && atomic_load(&store.peak) <= (int)options.settings.connections);
    CHECK(sent_again() < 30 * MIB); /* what was on its way to a connection whose piece was taken over */
    end();
}

TEST(one_connection_is_enough_when_told_so) {
    begin(80 * MIB);
    store.rate = 60;
    options.settings.connections = 1;
    CHECK(fetch() == E5_OK && is_whole(0) && atomic_load(&store.requests) == 1 && sent_again() == 0);
    end();
}

TEST(a_store_without_ranges_is_no_problem) {
    begin(96 * MIB);
    store.rate = 60;
    store.ignores_ranges = true;
    CHECK(fetch() == E5_OK && is_whole(0));
    CHECK(atomic_load(&store.ranges) == 1 && atomic_load(&store.requests) == 2); /* tried once, never again */
    end();
}

TEST(a_store_that_refuses_further_connections_is_left_alone) {
    begin(96 * MIB);
    store.rate = 60;
    store.most = 1;
    CHECK(fetch() == E5_OK && is_whole(0) && atomic_load(&store.refusals) == 1 && sent_again() == 0);
    end();
}

TEST(cut_connections_are_made_again_at_once) {
    begin(60 * MIB);
    options.settings.pace = 1;
    store.cut = 3 * MIB;
    double begun = e5_clock_monotonic();
    CHECK(fetch() == E5_OK && is_whole(0));
    CHECK(e5_clock_monotonic() - begun < 5); /* twenty waits of half a second at least would be more */
    CHECK(atomic_load(&store.requests) <= 24 && sent_again() == 0);
    CHECK(atomic_load(&store.peak) >= 2); /* one goes on while the other is made anew */
    end();
}

TEST(pieces_are_cut_and_go_on_too) {
    begin(96 * MIB);
    store.rate = 60;
    store.cut = 21 * MIB;
    CHECK(fetch() == E5_OK && is_whole(0) && atomic_load(&store.peak) > 1);
    end();
}

TEST(an_object_that_changes_is_never_mixed) {
    begin(96 * MIB);
    store.rate = 60;
    store.change_at = 30 * MIB; /* while one connection, perhaps two, are at work */
    store.cut = 50 * MIB;
    CHECK(fetch() == E5_OK && is_whole(1));
    end();
}

TEST(bandwidth_is_kept_to) {
    begin(24 * MIB);
    options.settings.bandwidth = 8.0 * MIB;
    double begun = e5_clock_monotonic();
    CHECK(fetch() == E5_OK && is_whole(0));
    CHECK(e5_clock_monotonic() - begun > 1); /* libcurl lets the first second pass */
    end();
}

/* A process that is killed has written more than it has marked; the next one believes what the first has noted. */

static const char *program;

static pid_t start_child(void) {
    char size[30];
    snprintf(size, sizeof size, "%lld", (long long)store.size);
    pid_t child = fork();
    if (child != 0) return child;
    execl(program, program, store.origin, target, size, (char *)NULL);
    _exit(127);
}

static int be_child(char *const *argv) {
    struct e5_error err = E5_ERROR_NONE;
    settle(argv[1], strtoll(argv[3], NULL, 10));
    struct e5_fetch_item item = {.asset = &asset, .target = argv[2], .goal = E5_GOAL_FILE};
    return e5_fetch(&options, &item, 1, NULL, &result, NULL, &err) != E5_OK;
}

static void kill_at(int64_t bytes) {
    int status;
    pid_t child = start_child();
    for (int i = 0; i < 20000 && atomic_load(&store.sent) < bytes; i++) store_pause(0.001);
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    while (atomic_load(&store.open) > 0) store_pause(0.001); /* until the store has noticed */
}

TEST(what_a_killed_process_wrote_is_not_fetched_again) {
    begin(48 * MIB);
    store.rate = 50;
    options.settings.connections = 1;
    kill_at(20 * MIB);
    int64_t before = atomic_load(&store.sent); /* the last of it was still in the socket */
    CHECK(before < 40 * MIB);
    CHECK(fetch() == E5_OK && is_whole(0) && atomic_load(&store.ranges) >= 1 && sent_again() < 10 * MIB);
    end();
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 4) return be_child(argv);
    RUN(slow_connections_are_joined_by_others);
    RUN(one_connection_is_enough_when_told_so);
    RUN(a_store_without_ranges_is_no_problem);
    RUN(a_store_that_refuses_further_connections_is_left_alone);
    RUN(cut_connections_are_made_again_at_once);
    RUN(pieces_are_cut_and_go_on_too);
    RUN(an_object_that_changes_is_never_mixed);
    RUN(bandwidth_is_kept_to);
    RUN(what_a_killed_process_wrote_is_not_fetched_again);
    return check_summary();
}
