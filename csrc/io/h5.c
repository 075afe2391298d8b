#include "io/h5.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/h5_bytes.h"
#include "io/h5_header.h"

#define SUPERBLOCK_MAX 128
#define SUPERBLOCK_MIN 24 /* with addresses of two bytes */
#define DRIVER_MESSAGE 0x14
#define READS 64u /* how often all objects and all global heaps may be read through one open file … */
#define READS_SLACK ((uint64_t)64 << 20) /* … and some more of small files */
#define READS_MAX ((uint64_t)1 << 56)
#define OBJECTS_MAX ((uint64_t)4 << 30) /* takes some seconds */
#define WRITER_FLAGS 5 /* open for writing, open for writing beside readers */

static const uint8_t signature[8] = "\x89HDF\r\n\x1a\n";

/* What the superblock says; addresses before they are checked. */
struct superblock {
    uint64_t base, end, driver, extension, root;
    unsigned flags;
};

static bool usual_width(unsigned bytes) { return bytes == 2 || bytes == 4 || bytes == 8; }

/* Versions 0 and 1: no checksum, the root group as an entry of a symbol table. */
static enum e5_status read_old(struct e5_h5 *h5, struct e5_h5_cursor *c, unsigned version, struct superblock *s,
                               struct e5_error *err) {
    if (e5_h5_take(c, 2) != 0) return e5_h5_not_known(h5, err, "it uses an unknown version of its groups");
    e5_h5_skip(c, 2);
    h5->address_bytes = (unsigned)e5_h5_take(c, 1);
    h5->length_bytes = (unsigned)e5_h5_take(c, 1);
    if (!usual_width(h5->address_bytes) || !usual_width(h5->length_bytes))
        return e5_h5_corrupt(h5, err, "impossible widths of its addresses");
    e5_h5_skip(c, 9 + (version == 1 ? 4 : 0));
    s->base = e5_h5_take_address(h5, c);
    e5_h5_take_address(h5, c); /* free space */
    s->end = e5_h5_take_address(h5, c);
    s->driver = e5_h5_take_address(h5, c);
    e5_h5_take_address(h5, c); /* name of the root */
    s->root = e5_h5_take_address(h5, c);
    s->extension = E5_NOWHERE;
    return E5_OK;
}

static enum e5_status read_new(struct e5_h5 *h5, const uint8_t *head, struct e5_h5_cursor *c, struct superblock *s,
                               struct e5_error *err) {
    h5->address_bytes = (unsigned)e5_h5_take(c, 1);
    h5->length_bytes = (unsigned)e5_h5_take(c, 1);
    s->flags = (unsigned)e5_h5_take(c, 1);
    if (!usual_width(h5->address_bytes) || !usual_width(h5->length_bytes))
        return e5_h5_corrupt(h5, err, "impossible widths of its addresses");
    s->base = e5_h5_take_address(h5, c);
    s->extension = e5_h5_take_address(h5, c);
    s->end = e5_h5_take_address(h5, c);
    s->root = e5_h5_take_address(h5, c);
    s->driver = E5_NOWHERE;
    e5_h5_skip(c, 4);
    if (!c->overrun && !e5_h5_is_sound(head, (size_t)(c->at - head)))
        return e5_h5_corrupt(h5, err, "the checksum of its superblock is wrong");
    return E5_OK;
}

/* Behind a user block the file may still say that it begins at 0: what counts is where the signature lies. */
static enum e5_status check_end(const struct e5_h5 *h5, const struct superblock *s, struct e5_error *err) {
    uint64_t end = s->end - s->base, have = h5->size;
    if (s->end < s->base || s->end == E5_NOWHERE) return e5_h5_corrupt(h5, err, "its superblock makes no sense");
    if (end <= have) return E5_OK;
    return e5_probe_fail(err, E5_CORRUPT, h5->path, "download it again", "cut short: %llu of %llu bytes",
                         (unsigned long long)have, (unsigned long long)end);
}

/* The extension says what is unusual about a file; of interest is only whether it is one of several. */
static enum e5_status check_extension(struct e5_h5 *h5, uint64_t address, struct e5_error *err) {
    struct e5_h5_header header;
    enum e5_status status = e5_h5_header_read(h5, address, &header, err);
    if (status == E5_OK && e5_h5_header_find(&header, DRIVER_MESSAGE) != NULL)
        status = e5_h5_not_known(h5, err, "it is one of several files that belong together");
    e5_h5_header_fini(&header);
    return status;
}

static enum e5_status read_superblock(struct e5_h5 *h5, struct e5_error *err) {
    uint8_t head[SUPERBLOCK_MAX] = {0};
    struct superblock s = {0};
    size_t size = h5->size < sizeof head ? (size_t)h5->size : sizeof head;
    enum e5_status status = e5_h5_get(h5, 0, size, head, err);
    if (status != E5_OK) return status;
    if (memcmp(head, signature, sizeof signature) != 0)
        return e5_h5_corrupt(h5, err, "no HDF5 signature where one was");
    if (size < SUPERBLOCK_MIN) return e5_h5_corrupt(h5, err, "its superblock is cut short");
    struct e5_h5_cursor c = {.at = head + 9, .end = head + size};
    unsigned version = head[8];
    if (version > 3) return e5_h5_not_known(h5, err, "it uses a newer version of HDF5's superblock");
    status = version < 2 ? read_old(h5, &c, version, &s, err) : read_new(h5, head, &c, &s, err);
    if (status == E5_OK && c.overrun) status = e5_h5_corrupt(h5, err, "its superblock is cut short");
    if (status == E5_OK && version == 3 && (s.flags & WRITER_FLAGS) != 0)
        status = e5_h5_not_known(h5, err, "it is marked as being written to");
    if (status == E5_OK && s.driver != E5_NOWHERE)
        status = e5_h5_not_known(h5, err, "it is one of several files that belong together");
    if (status == E5_OK) status = check_end(h5, &s, err);
    if (status == E5_OK && s.extension != E5_NOWHERE) status = check_extension(h5, s.extension, err);
    h5->root = s.root;
    return status;
}

enum e5_status e5_h5_open(const char *path, const struct e5_probe *probe, struct e5_h5 **out, struct e5_error *err) {
    struct e5_h5 *h5;
    *out = NULL;
    enum e5_status status = e5_alloc(1, sizeof *h5, &h5, err);
    if (status != E5_OK) return status;
    h5->descriptor = -1;
    h5->watch = probe->watch;
    h5->base = probe->start;
    h5->size = probe->size - probe->start;
    h5->address_bytes = h5->length_bytes = 8;
    h5->heaps_left = h5->size < READS_MAX ? h5->size * READS + READS_SLACK : UINT64_MAX;
    h5->objects_left = h5->heaps_left < OBJECTS_MAX ? h5->heaps_left : OBJECTS_MAX;
    status = e5_strdup(path, &h5->path, err);
    if (status == E5_OK) status = e5_probe_reopen(path, probe, &h5->descriptor, err);
    if (status == E5_OK) {
        e5_h5_begin_walk(h5);
        status = read_superblock(h5, err);
    }
    *out = h5;
    return status;
}

void e5_h5_close(struct e5_h5 *h5) {
    if (h5 == NULL) return;
    if (h5->descriptor >= 0) close(h5->descriptor);
    for (size_t i = 0; i < E5_H5_PAGES; i++) free(h5->page[i].bytes);
    free(h5->heap);
    free(h5->heap_object);
    free(h5->path);
    free(h5);
}

const char *e5_h5_unknown(const struct e5_h5 *h5) { return h5 != NULL ? h5->unknown : NULL; }

uint64_t e5_h5_root(const struct e5_h5 *h5) { return h5->root; }
