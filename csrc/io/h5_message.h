/* h5_message: what the messages of an object header say.
 *
 * Each takes the bytes of one message (or of the part of an attribute that has the same form), all of them from
 * outside.  Nothing is kept; what is allocated belongs to the caller's struct.  Shared types are followed, which may
 * block on disk.  One thread at a time. */
#ifndef E5_IO_H5_MESSAGE_H
#define E5_IO_H5_MESSAGE_H

#include "io/h5_header.h"

struct e5_h5_bytes {
    const uint8_t *at;
    size_t size;
};

/* `count`: elements; E5_UNSAFE when it does not fit into a size_t. */
E5_MUST_USE enum e5_status e5_h5_space_read(struct e5_h5 *h5, struct e5_h5_bytes bytes, struct e5_h5_space *out,
                                            size_t *count, struct e5_error *err);
/* `shared`: the bytes say which named type it is. */
E5_MUST_USE enum e5_status e5_h5_type_read(struct e5_h5 *h5, struct e5_h5_bytes bytes, bool shared,
                                           struct e5_h5_type *out, struct e5_error *err);
/* An attribute, from a header or a heap; name and value are borrowed from `bytes`.  E5_H5_OTHER has its bytes too. */
E5_MUST_USE enum e5_status e5_h5_attr_read(struct e5_h5 *h5, struct e5_h5_bytes bytes, struct e5_h5_attr *out,
                                           struct e5_error *err);
/* What a dataset's messages say about its data; `compact` is allocated. */
E5_MUST_USE enum e5_status e5_h5_data_read(struct e5_h5 *h5, const struct e5_h5_header *header,
                                           struct e5_h5_data *out, struct e5_error *err);

#endif
