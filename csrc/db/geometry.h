/* geometry: the blob that holds a geometry in a GeoPackage, and the SQL functions the standard's triggers call.
 *
 * A blob is "GP", version 0, flags, srs_id, an envelope (min x, max x, min y, max y: this order) and ISO WKB, in
 * which x is longitude.  Blobs may come from any program, so reading trusts nothing: counts are checked against the
 * bytes that are there, nesting is bounded.  The buffer given to _write is owned by the caller.  Any thread; nothing
 * blocks. */
#ifndef E5_DB_GEOMETRY_H
#define E5_DB_GEOMETRY_H

#include <sqlite3.h>

#include "base/buffer.h"

#define E5_WGS84 4326 /* the only reference system we write */

struct e5_box {
    double min_x, max_x, min_y, max_y;
    bool empty; /* no point at all: the numbers mean nothing */
};

/* Grow `all`, which may be empty, by `box`, which may be empty. */
void e5_box_widen(struct e5_box *all, const struct e5_box *box);
/* Bounds of WKB in either byte order, with or without z and m; E5_DATABASE when it is damaged. */
E5_MUST_USE enum e5_status e5_wkb_bounds(const void *wkb, size_t size, struct e5_box *out, struct e5_error *err);
/* Bounds of a GeoPackage blob, from its envelope or, without one, from its WKB. */
E5_MUST_USE enum e5_status e5_geometry_bounds(const void *blob, size_t size, struct e5_box *out,
                                              struct e5_error *err);
/* Replace the content of `blob` by header, envelope and the WKB given. */
E5_MUST_USE enum e5_status e5_geometry_write(struct e5_buffer *blob, const void *wkb, size_t size,
                                             const struct e5_box *box, struct e5_error *err);
/* Eight bytes of a number, least byte first. */
void e5_geometry_double(unsigned char *to, double number);
/* ST_IsEmpty, ST_MinX, ST_MaxX, ST_MinY, ST_MaxY: deterministic and innocuous; NULL for what is no geometry.
 * Returns a SQLite result code. */
int e5_geometry_register(sqlite3 *handle);

#endif
