#include "io/archive_data.h"

#include <libdeflate.h>

#define USUAL_RATIO 100u /* for what is large */
#define LARGE ((uint64_t)1 << 30)
#define IN_MAX ((size_t)1 << 30) /* zlib counts in unsigned int */

enum e5_status e5_zip_data_init(struct e5_zip_data *d, const struct e5_archive_sink *sink, struct e5_error *err) {
    d->sink = *sink;
    return inflateInit2(&d->inflater, -MAX_WBITS) == Z_OK ? E5_OK
                                                          : e5_fail(err, E5_MEMORY, "no memory for unpacking");
}

void e5_zip_data_fini(struct e5_zip_data *d) { inflateEnd(&d->inflater); }

static enum e5_status fail(const struct e5_zip_data *d, enum e5_status status, const char *what,
                           struct e5_error *err) {
    return e5_zip_fail(err, status, d->name, what);
}

enum e5_status e5_zip_data_begin(struct e5_zip_data *d, struct e5_zip_member *member, const char *name,
                                 struct e5_error *err) {
    bool follows = e5_zip_size_follows(member), plain = member->method == E5_ZIP_STORED;
    d->member = member;
    d->name = name;
    d->produced = d->consumed = d->crc = 0;
    d->is_quiet = e5_zip_is_directory(name);
    d->left = !follows ? member->stored : plain ? 0 : UINT64_MAX; /* only a directory is plain without a size */
    d->is_open = !plain || d->left > 0;
    if (inflateReset(&d->inflater) != Z_OK) return e5_fail(err, E5_INTERNAL, "the unpacker cannot begin anew");
    if (!plain && d->left == 0) return fail(d, E5_CORRUPT, "is compressed to nothing", err);
    return d->is_quiet ? E5_OK : d->sink.begin(d->sink.context, name, follows ? -1 : (int64_t)member->size, err);
}

static bool begins_like_archive(const struct e5_zip_data *d, const uint8_t *bytes, size_t size) {
    if (d->produced > 1 || d->produced + size < 2) return false;
    return (d->produced == 0 ? bytes[0] : d->first) == 'P' && bytes[1 - d->produced] == 'K';
}

static enum e5_status deliver(struct e5_zip_data *d, const uint8_t *bytes, size_t size, struct e5_error *err) {
    if (size == 0) return E5_OK;
    if (begins_like_archive(d, bytes, size)) return fail(d, E5_UNSAFE, "is an archive itself", err);
    if (d->produced == 0) d->first = bytes[0];
    d->produced += size;
    d->total += size;
    if (!e5_zip_size_follows(d->member) && d->produced > d->member->size)
        return fail(d, E5_CORRUPT, "is longer than its record says", err);
    if (d->total > LARGE && d->total / USUAL_RATIO > d->reach)
        return fail(d, E5_UNSAFE, "unpacks to more than 100 times the archive's size", err);
    d->crc = libdeflate_crc32(d->crc, bytes, size);
    return d->is_quiet ? E5_OK : d->sink.data(d->sink.context, bytes, size, err);
}

static enum e5_status copy_block(struct e5_zip_data *d, const uint8_t *bytes, size_t size, struct e5_error *err) {
    d->consumed += size;
    d->left -= size;
    d->is_open = d->left > 0;
    return deliver(d, bytes, size, err);
}

static enum e5_status refuse_code(const struct e5_zip_data *d, int code, struct e5_error *err) {
    if (code == Z_MEM_ERROR) return e5_fail(err, E5_MEMORY, "no memory for unpacking");
    return fail(d, E5_CORRUPT, "holds data that cannot be unpacked", err);
}

/* Compressed data end where they say themselves, which must be where the record says, if it does. */
static enum e5_status after_block(struct e5_zip_data *d, size_t used, bool ended, struct e5_error *err) {
    bool follows = e5_zip_size_follows(d->member);
    d->consumed += used;
    if (!follows) d->left -= used;
    d->is_open = !ended;
    if (follows || ended == (d->left == 0)) return E5_OK;
    return fail(d, E5_CORRUPT, "ends elsewhere than its record says", err);
}

static enum e5_status inflate_block(struct e5_zip_data *d, const uint8_t *bytes, size_t size, size_t *used,
                                    struct e5_error *err) {
    z_stream *z = &d->inflater;
    bool ended = false, full = true;
    enum e5_status status = E5_OK;
    z->next_in = (Bytef *)(uintptr_t)bytes; /* zlib does not write there */
    z->avail_in = (uInt)size;
    while (status == E5_OK && full && !ended) {
        z->next_out = d->out;
        z->avail_out = E5_ZIP_OUT_SIZE;
        int code = inflate(z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return refuse_code(d, code, err);
        ended = code == Z_STREAM_END;
        full = z->avail_out == 0;
        status = deliver(d, d->out, E5_ZIP_OUT_SIZE - z->avail_out, err);
    }
    *used = size - z->avail_in;
    return status == E5_OK ? after_block(d, *used, ended, err) : status;
}

enum e5_status e5_zip_data_take(struct e5_zip_data *d, const uint8_t *bytes, size_t size, size_t *used,
                                struct e5_error *err) {
    if (size > d->left) size = (size_t)d->left;
    if (size > IN_MAX) size = IN_MAX;
    *used = size;
    if (d->member->method == E5_ZIP_STORED) return copy_block(d, bytes, size, err);
    return inflate_block(d, bytes, size, used, err);
}

/* It may begin with a mark, and is wide where the member is. */
size_t e5_zip_data_descriptor_size(const struct e5_zip_data *d, const uint8_t *first) {
    bool wide = d->member->wide || d->produced > UINT32_MAX || d->consumed > UINT32_MAX;
    return (e5_zip_u32(first) == E5_ZIP_DESCRIPTOR ? 4u : 0u) + (wide ? 20u : 12u);
}

void e5_zip_data_descriptor(struct e5_zip_data *d, const uint8_t *at, size_t size) {
    bool wide = size >= 20;
    if (size == 16 || size == 24) at += 4;
    d->member->crc = e5_zip_u32(at);
    d->member->stored = wide ? e5_zip_u64(at + 4) : e5_zip_u32(at + 4);
    d->member->size = wide ? e5_zip_u64(at + 12) : e5_zip_u32(at + 8);
}

enum e5_status e5_zip_data_end(struct e5_zip_data *d, struct e5_error *err) {
    if (d->crc != d->member->crc) return fail(d, E5_CORRUPT, "has another checksum than declared", err);
    if (d->produced != d->member->size || d->consumed != d->member->stored)
        return fail(d, E5_CORRUPT, "has another size than declared", err);
    return d->is_quiet ? E5_OK : d->sink.end(d->sink.context, err);
}
