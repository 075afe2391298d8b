/* schema: our tables in a GeoPackage, their version, and how an older file becomes a new one.
 *
 * migrations.def and columns.def are the schema; this file applies and checks them.  GeoPackage's own version is
 * `PRAGMA user_version`, ours is max(era5fast_schema.version).  _check only reads; _make and _migrate run inside the
 * caller's transaction. */
#ifndef E5_DB_SCHEMA_H
#define E5_DB_SCHEMA_H

#include "db/sql.h"

int64_t e5_schema_newest(void); /* the version this program writes */
/* What the step to a version from 1 to the newest consists of: SQL, ended by NULL. */
const char *const *e5_schema_statements(int64_t version, const char **out_brings);
/* The statement that makes an index of ours, by its name; NULL for other names. */
const char *e5_schema_index(const char *name);
/* Everything a new file needs. */
E5_MUST_USE enum e5_status e5_schema_make(struct e5_database *db, struct e5_error *err);
/* E5_DATABASE unless this is an event database of this or an older version, whole and without foreign triggers on our
 * tables. */
E5_MUST_USE enum e5_status e5_schema_check(struct e5_database *db, int64_t *out_version, struct e5_error *err);
E5_MUST_USE enum e5_status e5_schema_migrate(struct e5_database *db, int64_t from_version, struct e5_error *err);

#endif
