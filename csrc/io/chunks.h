/* chunks: where the bytes of a variable lie in its file, and through which filters they went.
 *
 * The layout belongs to a struct e5_ncfile.  Shapes, filters and the way of reading are known after opening; the
 * addresses of chunks are looked up at the first read of a variable and then kept.  What the direct path cannot do is
 * E5_BY_LIBRARY with the reason.  Every address and size in a map lies within the file as it was opened.  Data that
 * lie in other files (external storage, virtual data) are E5_UNSAFE: data must not make us open what nobody named.
 * Any thread; no lock is held, so that a fork at any moment does no harm: two threads that prepare one map at once
 * both do the work, and one result is kept.  _prepare blocks on disk.  Decoding is in direct.h. */
#ifndef E5_IO_CHUNKS_H
#define E5_IO_CHUNKS_H

#include <stdatomic.h>

#include "io/probe.h"
#include "model/view.h"

struct e5_ncfile;
struct e5_ncvar;
struct e5_h5_data;
struct e5_h5;

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
    size_t number;      /* of the variable in its file */
    enum e5_way way;
    const char *why;    /* E5_BY_LIBRARY: the reason, a clause of a sentence */
    const char *unsafe; /* not to be read at all: what the file claims; else NULL */
    bool chunked;       /* chunk[] holds the chunk shape, whichever way the data are read */
    bool swapped;       /* stored in the other byte order */
    int ndim;
    size_t dim[E5_MAX_DIMS], chunk[E5_MAX_DIMS];
    bool in_heap;       /* strings of variable length: an element says where its text lies */
    size_t element;     /* bytes of one stored element; of strings: of the place that holds or names one */
    int filters;
    enum e5_filter filter[E5_MAX_FILTERS]; /* in the order in which they were applied */
    uint8_t fill[8];    /* one element, as stored, for what was never written */
    uint64_t address;   /* E5_CONTIGUOUS: of the first element; E5_NOWHERE: all of it is fill */
    uint8_t *held;      /* E5_CONTIGUOUS: the data themselves, where the header of the file held them; else NULL */
    /* E5_CONTIGUOUS, netCDF-3 records: steps of the first dimension lie this many bytes apart, each contiguous in
     * itself; 0: no gaps */
    uint64_t record_stride;
    size_t chunks;
    struct e5_chunk *chunk_list; /* sorted by index */
    struct e5_h5_data *index; /* where the chunks are noted; NULL: nothing is left to be looked up */
};

struct e5_walk { /* how a variable is being read, as far as ahead.c wants to know */
    size_t first; /* step at which the last read began */
    size_t stride; /* how much later that was than the one before; 0: not later */
    size_t row; /* of chunks: the last that was decoded ahead of its reader */
    uint64_t call; /* the last read's number in the cache of chunks */
};

struct e5_layout {
    struct e5_probe probe;
    struct e5_h5 *h5; /* as the header's reader left it, for as long as the probe is kept; else NULL */
    atomic_bool admitted; /* netcdf-c may be let in: library.c */
    size_t count;
    struct e5_map *map; /* one per variable of the file */
    _Atomic(struct e5_map *) *ready; /* those of `map` whose chunks were looked up */
    struct e5_walk *walk; /* one per variable; under the lock of ahead.c */
};

E5_MUST_USE enum e5_status e5_layout_room(struct e5_layout *layout, size_t count, struct e5_error *err);
/* The map of a variable if it is ready for reading, else NULL.  Does not block. */
const struct e5_map *e5_layout_known(const struct e5_ncfile *file, const struct e5_ncvar *var);
/* The map of a variable, made ready for reading. */
E5_MUST_USE enum e5_status e5_layout_prepare(const struct e5_ncfile *file, const struct e5_ncvar *var,
                                             const struct e5_map **out, struct e5_error *err);
int e5_chunk_by_index(const void *a, const void *b); /* for sorting and searching a list of chunks */
const struct e5_chunk *e5_map_find(const struct e5_map *map, uint64_t index); /* NULL: never written */
size_t e5_map_along(const struct e5_map *map, int d); /* chunks along dimension d */
size_t e5_map_chunk_bytes(const struct e5_map *map); /* decoded bytes of one chunk */
void e5_layout_let_go(struct e5_layout *layout); /* of the open file; nobody may be reading */
void e5_layout_clear(struct e5_layout *layout); /* no maps any more */
void e5_layout_free(struct e5_layout *layout); /* NULL is allowed */

#endif
