#include "net/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "base/digest.h"
#include "check.h"
#include "folder.h"
#include "net/hash_crew.h"

#define MIB ((int64_t)1 << 20)
#define PART ((int64_t)E5_CHECKSUM_PART)
#define NAME "file"

/* A file with something in every part, mostly holes. */
static int make_file(int64_t size) {
    int fd = open(folder_path(NAME), O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, size) == 0);
    for (int64_t at = 0; at < size; at += 7 * MIB + 13) CHECK(pwrite(fd, &at, sizeof at, at) > 0);
    CHECK(ftruncate(fd, size) == 0);
    return fd;
}

static void add_file(struct e5_digest *digest, int fd, int64_t from, int64_t upto) {
    static char block[1 << 20];
    while (from < upto) {
        size_t now = upto - from < (int64_t)sizeof block ? (size_t)(upto - from) : sizeof block;
        CHECK(pread(fd, block, now, from) == (ssize_t)now);
        e5_digest_add(digest, block, now);
        from += (int64_t)now;
    }
}

/* The slow twins: the rules in the plainest way. */
static void whole_of(int fd, int64_t size, char out[E5_DIGEST_HEX]) {
    struct e5_digest digest;
    CHECK_OK(e5_digest_init(&digest, E5_MD5, err));
    add_file(&digest, fd, 0, size);
    e5_digest_hex(&digest, out);
    e5_digest_fini(&digest);
}

static void joined_of(int fd, int64_t size, char out[E5_DIGEST_HEX]) {
    struct e5_digest all, part;
    CHECK_OK(e5_digest_init(&all, E5_MD5, err));
    for (int64_t at = 0; at < size; at += PART) {
        unsigned char raw[16];
        char hex[E5_DIGEST_HEX];
        CHECK_OK(e5_digest_init(&part, E5_MD5, err));
        add_file(&part, fd, at, at + PART < size ? at + PART : size);
        e5_digest_hex(&part, hex);
        for (size_t i = 0; i < sizeof raw; i++) CHECK(sscanf(hex + 2 * i, "%2hhx", &raw[i]) == 1);
        e5_digest_fini(&part);
        e5_digest_add(&all, raw, sizeof raw);
    }
    e5_digest_hex(&all, out);
    e5_digest_fini(&all);
}

static struct e5_checksum_result finish(struct e5_hash *hash, int fd, int64_t size, const char *declared) {
    struct e5_checksum_result out;
    CHECK_OK(e5_hash_finish(hash, fd, NAME, size, declared, NULL, &out, err));
    e5_hash_fini(hash);
    return out;
}

static struct e5_checksum_result sum(enum e5_checksum_want want, int fd, int64_t size, const char *declared) {
    struct e5_hash hash;
    CHECK_OK(e5_hash_init(&hash, NULL, want, size, err));
    return finish(&hash, fd, size, declared);
}

TEST(small_files_have_one_sum) {
    folder_write(NAME, "abc", 3);
    int fd = open(folder_path(NAME), O_RDONLY);
    struct e5_checksum_result found = sum(E5_CHECKSUM_WHOLE, fd, 3, "");
    CHECK(strcmp(found.whole, "900150983cd24fb0d6963f7d28e17f72") == 0 && found.joined[0] == '\0');
    found = sum(E5_CHECKSUM_NOTHING, fd, 3, "900150983cd24fb0d6963f7d28e17f72");
    CHECK(found.whole[0] == '\0' && found.joined[0] == '\0');
    CHECK(strlen(sum(E5_CHECKSUM_JOINED, fd, 3, "").joined) == 32); /* of one short part */
    close(fd);
}

TEST(large_files_are_summed_as_asked) {
    int64_t size = 3 * PART + 12345;
    char joined[E5_DIGEST_HEX], whole[E5_DIGEST_HEX];
    int fd = make_file(size);
    joined_of(fd, size, joined);
    whole_of(fd, size, whole);
    struct e5_checksum_result found = sum(E5_CHECKSUM_JOINED, fd, size, whole);
    CHECK(strcmp(found.joined, joined) == 0 && found.parts == 4 && found.whole[0] == '\0');
    found = sum(E5_CHECKSUM_EITHER, fd, size, joined);
    CHECK(strcmp(found.joined, joined) == 0 && found.whole[0] == '\0'); /* proven, so that is enough */
    found = sum(E5_CHECKSUM_EITHER, fd, size, whole);
    CHECK(strcmp(found.joined, joined) == 0 && strcmp(found.whole, whole) == 0);
    close(fd);
}

TEST(a_growing_file_is_followed) {
    int64_t size = 20 * MIB + 5;
    char whole[E5_DIGEST_HEX];
    struct e5_hash hash;
    struct e5_pieces here;
    int fd = make_file(size);
    whole_of(fd, size, whole);
    e5_pieces_init(&here, size);
    CHECK_OK(e5_hash_init(&hash, NULL, E5_CHECKSUM_WHOLE, size, err));
    here.piece[0].position = 15 * MIB;
    CHECK(!e5_hash_is_behind(&hash, &here));
    here.piece[0].position = 17 * MIB;
    CHECK(e5_hash_is_behind(&hash, &here));
    CHECK_OK(e5_hash_follow(&hash, fd, NAME, &here, NULL, err));
    CHECK(hash.whole.position == 17 * MIB && !e5_hash_is_behind(&hash, &here));
    CHECK(strcmp(finish(&hash, fd, size, "").whole, whole) == 0);
    close(fd);
}

/* As a thread that follows does it. */
static void follow_all(struct e5_hash *hash, int fd, const struct e5_pieces *here) {
    while (e5_hash_is_behind(hash, here)) CHECK_OK(e5_hash_follow(hash, fd, NAME, here, NULL, err));
}

TEST(parts_are_summed_eight_at_once_in_any_order) {
    int64_t size = 14 * PART + 777, middle = 7 * PART + 5;
    char joined[E5_DIGEST_HEX];
    struct e5_hash hash;
    struct e5_pieces here = {2, {{0, middle, 3 * PART}, {middle, size, 12 * PART}}}; /* 0, 1, 2 and 8, 9, 10, 11 */
    int fd = make_file(size);
    joined_of(fd, size, joined);
    CHECK_OK(e5_hash_init(&hash, NULL, E5_CHECKSUM_JOINED, size, err));
    CHECK(!e5_hash_is_behind(&hash, &here));
    CHECK_OK(e5_hash_follow(&hash, fd, NAME, &here, NULL, err));
    CHECK(hash.summed == 0);
    here.piece[0].position = 4 * PART;
    CHECK(e5_hash_is_behind(&hash, &here));
    CHECK_OK(e5_hash_follow(&hash, fd, NAME, &here, NULL, err));
    CHECK(hash.summed == 8 && !e5_hash_is_behind(&hash, &here));
    here.piece[0].position = middle;
    here.piece[1].position = size - PART;
    follow_all(&hash, fd, &here);
    CHECK(hash.summed == 13); /* all but the last full one and the short one */
    struct e5_checksum_result found = finish(&hash, fd, size, "");
    CHECK(strcmp(found.joined, joined) == 0 && found.parts == 15);
    close(fd);
}

TEST(of_many_parts_sixteen_make_a_round) {
    int64_t size = 41 * PART;
    struct e5_hash hash;
    struct e5_pieces here;
    e5_pieces_init(&here, size);
    CHECK_OK(e5_hash_init(&hash, NULL, E5_CHECKSUM_JOINED, size, err));
    here.piece[0].position = 16 * PART - 1;
    CHECK(!e5_hash_is_behind(&hash, &here));
    here.piece[0].position = 16 * PART;
    CHECK(e5_hash_is_behind(&hash, &here));
    e5_hash_fini(&hash);
}

TEST(with_less_than_two_rounds_left_half_of_them_makes_one) {
    int64_t size = 9 * PART + 1;
    struct e5_hash hash;
    struct e5_pieces here;
    int fd = make_file(size);
    e5_pieces_init(&here, size);
    CHECK_OK(e5_hash_init(&hash, NULL, E5_CHECKSUM_EITHER, size, err));
    here.piece[0].position = 5 * PART - 1;
    CHECK(!e5_hash_is_behind(&hash, &here));
    here.piece[0].position = 5 * PART;
    follow_all(&hash, fd, &here);
    CHECK(hash.summed == 5);
    e5_hash_fini(&hash);
    close(fd);
}

TEST(the_last_parts_are_summed_while_they_arrive) {
    int64_t size = 4 * PART + 100;
    char joined[E5_DIGEST_HEX];
    struct e5_hash hash;
    struct e5_pieces here;
    int fd = make_file(size);
    joined_of(fd, size, joined);
    e5_pieces_init(&here, size);
    CHECK_OK(e5_hash_init(&hash, NULL, E5_CHECKSUM_EITHER, size, err));
    here.piece[0].position = 3 * PART + 99;
    CHECK(!e5_hash_is_behind(&hash, &here));
    here.piece[0].position = 3 * PART + 100;
    follow_all(&hash, fd, &here);
    CHECK(hash.summed == 3);
    for (; here.piece[0].position < 4 * PART; here.piece[0].position += 3 * MIB + 1) follow_all(&hash, fd, &here);
    CHECK(hash.summed == 3);
    here.piece[0].position = size - 1;
    follow_all(&hash, fd, &here);
    CHECK(hash.summed == 4);
    CHECK(strcmp(finish(&hash, fd, size, joined).joined, joined) == 0);
    close(fd);
}

TEST(cancel_and_a_file_that_shrank_are_reported) {
    struct e5_hash hash;
    struct e5_watch watch = {0};
    struct e5_checksum_result out;
    int64_t size = 2 * PART;
    int fd = make_file(size);
    CHECK_OK(e5_hash_init(&hash, NULL, E5_CHECKSUM_JOINED, size, err));
    CHECK(ftruncate(fd, PART) == 0);
    CHECK_STATUS(E5_STORAGE, e5_hash_finish(&hash, fd, NAME, size, "", NULL, &out, err));
    e5_watch_cancel(&watch);
    CHECK_STATUS(E5_CANCELLED, e5_hash_finish(&hash, fd, NAME, size, "", &watch, &out, err));
    e5_hash_fini(&hash);
    close(fd);
}

/* Files that are hashed at the same time. */

#define FILES 21

struct worker {
    pthread_t thread;
    struct e5_hash hash;
    struct e5_watch watch;
    int fd;
    int64_t size;
    enum e5_status status;
    struct e5_checksum_result found;
    struct e5_error error;
};

static void *hash_one(void *context) {
    struct worker *worker = context;
    worker->status = e5_hash_finish(&worker->hash, worker->fd, NAME, worker->size, "", &worker->watch, &worker->found,
                                    &worker->error);
    return NULL;
}

static struct worker *start_all(struct e5_hash_crew *crew, size_t n, int64_t size, bool differ) {
    struct worker *workers = calloc(n, sizeof *workers);
    char name[40];
    for (size_t i = 0; i < n; i++) {
        struct worker *worker = &workers[i];
        worker->size = size + (differ ? (int64_t)i * 70001 : 0);
        snprintf(name, sizeof name, "file%zu", i);
        worker->fd = open(folder_path(name), O_RDWR | O_CREAT | O_TRUNC, 0600);
        CHECK(worker->fd >= 0 && pwrite(worker->fd, &i, sizeof i, 5) > 0 && ftruncate(worker->fd, worker->size) == 0);
        CHECK_OK(e5_hash_init(&worker->hash, crew, E5_CHECKSUM_WHOLE, worker->size, err));
    }
    return workers;
}

static void run_all(struct worker *workers, size_t n) {
    for (size_t i = 0; i < n; i++) CHECK(pthread_create(&workers[i].thread, NULL, hash_one, &workers[i]) == 0);
}

/* How many came to a good end. */
static size_t end_all(struct worker *workers, size_t n) {
    char whole[E5_DIGEST_HEX];
    size_t good = 0;
    for (size_t i = 0; i < n; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].status == E5_OK) {
            whole_of(workers[i].fd, workers[i].size, whole);
            CHECK(strcmp(workers[i].found.whole, whole) == 0);
            good++;
        }
        e5_hash_fini(&workers[i].hash);
        close(workers[i].fd);
    }
    return good;
}

TEST(files_hashed_in_company_have_their_own_sums) {
    struct e5_hash_crew *crew;
    CHECK_OK(e5_hash_crew_new(&crew, err));
    for (unsigned expected = 0; expected < 200; expected += 100) {
        e5_hash_crew_expect(crew, expected);
        struct worker *workers = start_all(crew, FILES, 100 * 1000, true);
        run_all(workers, FILES);
        CHECK(end_all(workers, FILES) == FILES);
        free(workers);
    }
    e5_hash_crew_free(crew);
}

TEST(a_file_that_shrank_does_not_trouble_its_company) {
    struct e5_hash_crew *crew;
    CHECK_OK(e5_hash_crew_new(&crew, err));
    e5_hash_crew_expect(crew, 100);
    struct worker *workers = start_all(crew, 8, 3 * MIB, false);
    CHECK(ftruncate(workers[3].fd, MIB) == 0);
    run_all(workers, 8);
    CHECK(end_all(workers, 8) == 7);
    CHECK(workers[3].status == E5_STORAGE && strstr(workers[3].error.what, "shorter") != NULL);
    free(workers);
    e5_hash_crew_free(crew);
}

static void *cancel_soon(void *context) {
    usleep(5000);
    e5_watch_cancel(context);
    return NULL;
}

/* A wait for company that a second thread calls off; the company's time may be over first where this one is late. */
static enum e5_status wait_and_cancel(struct e5_hash_crew *crew, struct e5_hash_message *message, int fd) {
    struct e5_watch watch = {0};
    pthread_t other;
    CHECK(pthread_create(&other, NULL, cancel_soon, &watch) == 0);
    enum e5_status status = e5_hash_crew_add(crew, message, fd, NAME, MIB, false, &watch, NULL);
    pthread_join(other, NULL);
    return status;
}

TEST(who_waits_for_company_can_be_called_off) {
    struct e5_hash_crew *crew;
    struct e5_hash_message message;
    enum e5_status status = E5_OK;
    int fd = make_file(MIB);
    CHECK_OK(e5_hash_crew_new(&crew, err));
    e5_hash_crew_expect(crew, 100);
    for (int i = 0; i < 20 && status == E5_OK; i++) {
        message = (struct e5_hash_message){.position = 0};
        status = wait_and_cancel(crew, &message, fd);
    }
    CHECK(status == E5_CANCELLED && message.position == 0);
    CHECK_OK(e5_hash_crew_add(crew, &message, fd, NAME, MIB, false, NULL, err)); /* goes on alone in the end */
    CHECK(message.position == MIB);
    e5_hash_crew_free(crew);
    close(fd);
}

TEST(a_file_that_cannot_be_read_back_is_named) {
    struct e5_error said = E5_ERROR_NONE;
    char bytes[8];
    CHECK(e5_hash_read(-1, "x.nc", bytes, sizeof bytes, 0, &said) == E5_STORAGE && said.sys_errno == EBADF);
    CHECK(strncmp(said.what, "cannot read back: x.nc: ", 24) == 0);
}

int main(void) {
    folder_make();
    RUN(small_files_have_one_sum);
    RUN(large_files_are_summed_as_asked);
    RUN(a_growing_file_is_followed);
    RUN(parts_are_summed_eight_at_once_in_any_order);
    RUN(of_many_parts_sixteen_make_a_round);
    RUN(with_less_than_two_rounds_left_half_of_them_makes_one);
    RUN(the_last_parts_are_summed_while_they_arrive);
    RUN(cancel_and_a_file_that_shrank_are_reported);
    RUN(files_hashed_in_company_have_their_own_sums);
    RUN(a_file_that_shrank_does_not_trouble_its_company);
    RUN(who_waits_for_company_can_be_called_off);
    RUN(a_file_that_cannot_be_read_back_is_named);
    folder_remove();
    return check_summary();
}
