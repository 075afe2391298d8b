/* h5_header: object headers of both versions, as a list of messages.
 *
 * A message's bytes lie in the header's own copy of its blocks: valid until e5_h5_header_fini(), which is due after a
 * failure too.  One thread at a time; blocks on disk. */
#ifndef E5_IO_H5_HEADER_H
#define E5_IO_H5_HEADER_H

#include "io/h5_bytes.h"

enum e5_h5_message_type {
    E5_H5_SPACE = 0x01,
    E5_H5_LINK_INFO = 0x02,
    E5_H5_TYPE = 0x03,
    E5_H5_OLD_FILL = 0x04,
    E5_H5_FILL = 0x05,
    E5_H5_LINK = 0x06,
    E5_H5_EXTERNAL = 0x07,
    E5_H5_LAYOUT = 0x08,
    E5_H5_GROUP_INFO = 0x0A,
    E5_H5_PIPELINE = 0x0B,
    E5_H5_ATTRIBUTE = 0x0C,
    E5_H5_CONTINUATION = 0x10,
    E5_H5_SYMBOL_TABLE = 0x11,
    E5_H5_ATTRIBUTE_INFO = 0x15,
    E5_H5_LAST_MESSAGE = 0x18
};

#define E5_H5_SHARED 2 /* of a message's flags: its bytes say where the message is */
#define E5_H5_ORDER_NONE UINT32_MAX

struct e5_h5_message {
    uint8_t type, flags;
    uint32_t order; /* of creation, where the header tracks it, else E5_H5_ORDER_NONE */
    const uint8_t *bytes;
    size_t size;
};

struct e5_h5_header {
    size_t count, capacity;
    struct e5_h5_message *message; /* as they stand in the file; continuations and gaps left out */
    size_t blocks;
    uint8_t **block;
};

E5_MUST_USE enum e5_status e5_h5_header_read(struct e5_h5 *h5, uint64_t address, struct e5_h5_header *out,
                                             struct e5_error *err);
void e5_h5_header_fini(struct e5_h5_header *header);
/* First message of a type; NULL when there is none. */
const struct e5_h5_message *e5_h5_header_find(const struct e5_h5_header *header, int type);
/* Where the object is that a shared message stands for (`size` bytes that name it). */
E5_MUST_USE enum e5_status e5_h5_shared_address(struct e5_h5 *h5, const uint8_t *bytes, size_t size, uint64_t *out,
                                                struct e5_error *err);

#endif
