#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static enum e5_status reserve(struct e5_buffer *buffer, size_t extra, struct e5_error *err) {
    size_t need;
    bool overflow = __builtin_add_overflow(buffer->size, extra, &need);
    if (overflow || (buffer->ceiling > 0 && need > buffer->ceiling))
        return e5_fail(err, E5_UNSAFE, "more than %zu bytes where that is not allowed", buffer->ceiling);
    if (need < buffer->capacity) return E5_OK;
    size_t capacity = need + need / 2 + 64;
    enum e5_status status = e5_grow(buffer->capacity, capacity, 1, &buffer->bytes, err);
    if (status == E5_OK) buffer->capacity = capacity;
    return status;
}

enum e5_status e5_buffer_append(struct e5_buffer *buffer, const void *bytes, size_t size, struct e5_error *err) {
    enum e5_status status = reserve(buffer, size, err);
    if (status != E5_OK) return status;
    if (size > 0) memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0';
    return E5_OK;
}

enum e5_status e5_buffer_printf(struct e5_buffer *buffer, struct e5_error *err, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    enum e5_status status =
        length < 0 ? e5_fail(err, E5_INTERNAL, "cannot format text") : reserve(buffer, (size_t)length, err);
    if (status == E5_OK) {
        vsnprintf(buffer->bytes + buffer->size, (size_t)length + 1, format, again);
        buffer->size += (size_t)length;
    }
    va_end(again);
    return status;
}

void e5_buffer_clear(struct e5_buffer *buffer) {
    buffer->size = 0;
    if (buffer->bytes != NULL) buffer->bytes[0] = '\0';
}

void e5_buffer_fini(struct e5_buffer *buffer) {
    free(buffer->bytes);
    *buffer = (struct e5_buffer){.ceiling = buffer->ceiling};
}
