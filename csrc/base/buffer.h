/* buffer: bytes that grow, up to a ceiling.
 *
 * The holder owns the bytes; e5_buffer_fini() frees them; a zeroed struct is an empty buffer.  There is always a NUL
 * behind the last byte, so that text can be read as a C string.  One thread at a time; nothing blocks. */
#ifndef E5_BASE_BUFFER_H
#define E5_BASE_BUFFER_H

#include "base/error.h"

struct e5_buffer {
    char *bytes;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes owned */
    size_t ceiling;  /* more than this is E5_UNSAFE; 0: no ceiling */
};

E5_MUST_USE enum e5_status e5_buffer_append(struct e5_buffer *buffer, const void *bytes, size_t size,
                                            struct e5_error *err);
E5_MUST_USE enum e5_status e5_buffer_printf(struct e5_buffer *buffer, struct e5_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void e5_buffer_clear(struct e5_buffer *buffer); /* size becomes 0, memory is kept */
void e5_buffer_fini(struct e5_buffer *buffer);

#endif
