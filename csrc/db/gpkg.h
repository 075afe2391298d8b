/* gpkg: what the GeoPackage standard (OGC 12-128, version 1.3) wants in a file.
 *
 * The SQL is the standard's own (annexes C and F.3): programs compare it, so it is not to be tidied.  The version
 * number and the set of index triggers go together: 1.4 has other triggers, and readers of 2023 warn about 1.4, so we
 * write 1.3.  Its triggers do not get on with UPSERT: never use that on a feature table.
 *
 * Functions that change a file run inside the caller's transaction. */
#ifndef E5_DB_GPKG_H
#define E5_DB_GPKG_H

#include "db/geometry.h"
#include "db/sql.h"

#define E5_GPKG_APPLICATION_ID 0x47504B47 /* "GPKG" */
#define E5_GPKG_VERSION 10300

/* R*Tree of a feature table t with geometry column c and key i, all string literals: a list of statements. */
#define E5_GPKG_INDEX(t, c, i) "CREATE VIRTUAL TABLE \"rtree_" t "_" c "\" USING rtree(id, minx, maxx, miny, maxy)"
/* Its tables: the one that programs see, and those in which SQLite keeps it. */
#define E5_GPKG_SHADOWS(t, c) \
    "rtree_" t "_" c, "rtree_" t "_" c "_node", "rtree_" t "_" c "_rowid", "rtree_" t "_" c "_parent"
#define E5_GPKG_BOUNDS(c) "ST_MinX(NEW." c "), ST_MaxX(NEW." c "), ST_MinY(NEW." c "), ST_MaxY(NEW." c ")"
#define E5_GPKG_TRIGGERS(t, c, i)                                                                            \
    "CREATE TRIGGER \"rtree_" t "_" c "_insert\" AFTER INSERT ON \"" t "\" "                                 \
    "WHEN (new." c " NOT NULL AND NOT ST_IsEmpty(NEW." c ")) "                                               \
    "BEGIN INSERT OR REPLACE INTO \"rtree_" t "_" c "\" VALUES (NEW." i ", " E5_GPKG_BOUNDS(c) "); END",     \
        "CREATE TRIGGER \"rtree_" t "_" c "_update1\" AFTER UPDATE OF " c " ON \"" t "\" "                   \
        "WHEN OLD." i " = NEW." i " AND (NEW." c " NOTNULL AND NOT ST_IsEmpty(NEW." c ")) "                  \
        "BEGIN INSERT OR REPLACE INTO \"rtree_" t "_" c "\" VALUES (NEW." i ", " E5_GPKG_BOUNDS(c) "); END", \
        "CREATE TRIGGER \"rtree_" t "_" c "_update2\" AFTER UPDATE OF " c " ON \"" t "\" "                   \
        "WHEN OLD." i " = NEW." i " AND (NEW." c " ISNULL OR ST_IsEmpty(NEW." c ")) "                        \
        "BEGIN DELETE FROM \"rtree_" t "_" c "\" WHERE id = OLD." i "; END",                                 \
        "CREATE TRIGGER \"rtree_" t "_" c "_update3\" AFTER UPDATE ON \"" t "\" "                            \
        "WHEN OLD." i " != NEW." i " AND (NEW." c " NOTNULL AND NOT ST_IsEmpty(NEW." c ")) "                 \
        "BEGIN DELETE FROM \"rtree_" t "_" c "\" WHERE id = OLD." i "; "                                     \
        "INSERT OR REPLACE INTO \"rtree_" t "_" c "\" VALUES (NEW." i ", " E5_GPKG_BOUNDS(c) "); END",       \
        "CREATE TRIGGER \"rtree_" t "_" c "_update4\" AFTER UPDATE ON \"" t "\" "                            \
        "WHEN OLD." i " != NEW." i " AND (NEW." c " ISNULL OR ST_IsEmpty(NEW." c ")) "                       \
        "BEGIN DELETE FROM \"rtree_" t "_" c "\" WHERE id IN (OLD." i ", NEW." i "); END",                   \
        "CREATE TRIGGER \"rtree_" t "_" c "_delete\" AFTER DELETE ON \"" t "\" "                             \
        "WHEN old." c " NOT NULL "                                                                           \
        "BEGIN DELETE FROM \"rtree_" t "_" c "\" WHERE id = OLD." i "; END"

/* The mandatory tables, and those of the extensions we use, in an empty file; with application id and version. */
E5_MUST_USE enum e5_status e5_gpkg_make(struct e5_database *db, struct e5_error *err);
/* Enter a table into the contents unless it is there.  `geometry` is a column whose declared type says what it holds;
 * NULL: a table of attributes. */
E5_MUST_USE enum e5_status e5_gpkg_register(struct e5_database *db, const char *table, const char *geometry,
                                            const char *description, struct e5_error *err);
/* Describe a column (extension gpkg_schema), replacing an earlier description. */
E5_MUST_USE enum e5_status e5_gpkg_describe(struct e5_database *db, const char *table, const char *column,
                                            const char *title, const char *description, struct e5_error *err);
/* Note a change: last_change becomes now, the bounds grow by `box` (may be NULL, or empty). */
E5_MUST_USE enum e5_status e5_gpkg_touch(struct e5_database *db, const char *table, const struct e5_box *box,
                                         struct e5_error *err);

#endif
