/* chunks: where the bytes of a variable lie in its file, and through which filters they went.
 *
 * The layout belongs to a struct e5_ncfile.  Chunk shapes are known after opening; addresses are asked from HDF5 at
 * the first read of a variable and then kept: the gate guards that step, and afterwards a map is read-only.  What the
 * direct path cannot do is E5_BY_LIBRARY with the reason.  Every address and size in a map lies within the file as it
 * was opened.  A file that points to other files (external links, external storage, virtual data) is E5_UNSAFE: data
 * must not make us open what nobody named.
 * Any thread; _prepare blocks on gate and disk.  Decoding is in direct.h. */
#ifndef E5_IO_CHUNKS_H
#define E5_IO_CHUNKS_H

#include <stdatomic.h>

#include "io/probe.h"
#include "model/view.h"

struct e5_ncfile;
struct e5_ncvar;

#define E5_CHUNK_MAX ((size_t)1 << 30) /* bytes of one decoded chunk */
#define E5_MAX_FILTERS 3
#define E5_NOWHERE UINT64_MAX /* address of what was never written */

enum e5_way { E5_BY_LIBRARY, E5_CONTIGUOUS, E5_CHUNKED };
enum e5_filter { E5_DEFLATE = 1, E5_SHUFFLE = 2, E5_FLETCHER32 = 3 }; /* HDF5's numbers */

struct e5_chunk {
    uint64_t index; /* in the grid of chunks, C order */
    uint64_t address;
    uint32_t size, mask; /* stored bytes; bit i set: filter i was left out */
};

struct e5_map { /* one variable; a scalar is one element of one dimension */
    atomic_bool ready;
    enum e5_way way;
    const char *why;    /* E5_BY_LIBRARY: the reason, a clause of a sentence */
    bool chunked;       /* chunk[] holds the chunk shape, whichever way the data are read */
    bool swapped;       /* stored in the other byte order */
    int ndim;
    size_t dim[E5_MAX_DIMS], chunk[E5_MAX_DIMS];
    size_t element;     /* bytes of one stored element */
    int filters;
    enum e5_filter filter[E5_MAX_FILTERS]; /* in the order in which they were applied */
    uint8_t fill[8];    /* one element, as stored, for chunks that were never written */
    uint64_t address;   /* E5_CONTIGUOUS */
    size_t chunks;
    struct e5_chunk *chunk_list; /* sorted by index */
};

struct e5_layout {
    struct e5_probe probe;
    size_t count;
    struct e5_map *map; /* one per variable of the file */
};

/* E5_UNSAFE when an HDF5 file links to other files; called before netcdf-c sees the file. */
E5_MUST_USE enum e5_status e5_layout_check_links(const char *path, struct e5_error *err);
/* The map of a variable, ready for reading. */
E5_MUST_USE enum e5_status e5_layout_prepare(const struct e5_ncfile *file, const struct e5_ncvar *var,
                                             const struct e5_map **out, struct e5_error *err);
const struct e5_chunk *e5_map_find(const struct e5_map *map, uint64_t index); /* NULL: never written */
size_t e5_map_along(const struct e5_map *map, int d); /* chunks along dimension d */
size_t e5_map_chunk_bytes(const struct e5_map *map); /* decoded bytes of one chunk */
void e5_layout_free(struct e5_layout *layout);       /* NULL is allowed */

#endif
