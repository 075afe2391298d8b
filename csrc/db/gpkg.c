#include "db/gpkg.h"

#include <math.h>

#include "base/clock.h"

#define SPECIFICATION "http://www.geopackage.org/spec130/"

static const char *const tables[] = {
    "CREATE TABLE gpkg_spatial_ref_sys ("
    " srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,"
    " organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)",

    "CREATE TABLE gpkg_contents ("
    " table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,"
    " description TEXT DEFAULT '',"
    " last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),"
    " min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,"
    " CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))",

    "CREATE TABLE gpkg_geometry_columns ("
    " table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,"
    " srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,"
    " CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),"
    " CONSTRAINT uk_gc_table_name UNIQUE (table_name),"
    " CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),"
    " CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))",

    "CREATE TABLE gpkg_extensions ("
    " table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,"
    " scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))",

    "CREATE TABLE gpkg_data_columns ("
    " table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT,"
    " mime_type TEXT, constraint_name TEXT,"
    " CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),"
    " CONSTRAINT gdc_tn UNIQUE (table_name, name))",

    "CREATE TABLE gpkg_data_column_constraints ("
    " constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC,"
    " min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,"
    " CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))",

    "INSERT INTO gpkg_spatial_ref_sys VALUES"
    " ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system'),"
    " ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system'),"
    " ('WGS 84 geodetic', 4326, 'EPSG', 4326,"
    " 'GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563,AUTHORITY[\"EPSG\",\"7030\"]],"
    "AUTHORITY[\"EPSG\",\"6326\"]],PRIMEM[\"Greenwich\",0,AUTHORITY[\"EPSG\",\"8901\"]],"
    "UNIT[\"degree\",0.0174532925199433,AUTHORITY[\"EPSG\",\"9122\"]],AXIS[\"Latitude\",NORTH],"
    "AXIS[\"Longitude\",EAST],AUTHORITY[\"EPSG\",\"4326\"]]',"
    " 'longitude and latitude in degrees on the WGS 84 spheroid')",

    "INSERT INTO gpkg_extensions VALUES"
    " ('gpkg_data_columns', NULL, 'gpkg_schema', '" SPECIFICATION "#extension_schema', 'read-write'),"
    " ('gpkg_data_column_constraints', NULL, 'gpkg_schema', '" SPECIFICATION "#extension_schema', 'read-write')",
};

#define TEXT_OF(number) #number
#define DIGITS(macro) TEXT_OF(macro)
#define IDENTITY \
    "PRAGMA application_id = " DIGITS(E5_GPKG_APPLICATION_ID) "; PRAGMA user_version = " DIGITS(E5_GPKG_VERSION)

enum e5_status e5_gpkg_make(struct e5_database *db, struct e5_error *err) {
    enum e5_status status = e5_sql_run(db, IDENTITY, err);
    for (size_t i = 0; i < sizeof tables / sizeof *tables && status == E5_OK; i++)
        status = e5_sql_run(db, tables[i], err);
    return status;
}

/* Run one statement with the texts of a NULL-terminated list. */
static enum e5_status run_with(struct e5_database *db, const char *sql, const char *const *texts,
                               struct e5_error *err) {
    struct e5_row row;
    enum e5_status status = e5_sql_prepare(db, sql, &row, err);
    if (status != E5_OK) return status;
    while (*texts != NULL) e5_row_text(&row, *texts++);
    status = e5_row_run(db, &row, err);
    e5_sql_finish(&row);
    return status;
}

enum e5_status e5_gpkg_register(struct e5_database *db, const char *table, const char *geometry,
                                const char *description, struct e5_error *err) {
    const char *const content[] = {table, description, NULL}, *const column[] = {table, geometry, NULL};
    if (geometry == NULL)
        return run_with(db,
                        "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description)"
                        " VALUES (?1, 'attributes', ?1, ?2)",
                        content, err);
    enum e5_status status =
        run_with(db,
                 "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier, description, srs_id)"
                 " VALUES (?1, 'features', ?1, ?2, 4326)",
                 content, err);
    if (status == E5_OK)
        status = run_with(db,
                          "INSERT OR IGNORE INTO gpkg_geometry_columns SELECT ?1, name, type, 4326, 0, 0"
                          " FROM pragma_table_info(?1) WHERE name = ?2",
                          column, err);
    if (status == E5_OK)
        status = run_with(db,
                          "INSERT OR IGNORE INTO gpkg_extensions VALUES"
                          " (?1, ?2, 'gpkg_rtree_index', '" SPECIFICATION "#extension_rtree', 'write-only')",
                          column, err);
    return status;
}

enum e5_status e5_gpkg_describe(struct e5_database *db, const char *table, const char *column, const char *title,
                                const char *description, struct e5_error *err) {
    return run_with(db,
                    "INSERT OR REPLACE INTO gpkg_data_columns (table_name, column_name, title, description)"
                    " VALUES (?1, ?2, ?3, ?4)",
                    (const char *const[]){table, column, title, description, NULL}, err);
}

enum e5_status e5_gpkg_touch(struct e5_database *db, const char *table, const struct e5_box *box,
                             struct e5_error *err) {
    bool grows = box != NULL && !box->empty;
    char now[E5_CLOCK_STAMP_SIZE];
    e5_clock_stamp(e5_clock_wall(), now);
    struct e5_row row;
    enum e5_status status = e5_sql_prepare(db,
                                           "UPDATE gpkg_contents SET last_change = ?2,"
                                           " min_x = min(coalesce(min_x, ?3), coalesce(?3, min_x)),"
                                           " max_x = max(coalesce(max_x, ?4), coalesce(?4, max_x)),"
                                           " min_y = min(coalesce(min_y, ?5), coalesce(?5, min_y)),"
                                           " max_y = max(coalesce(max_y, ?6), coalesce(?6, max_y))"
                                           " WHERE table_name = ?1",
                                           &row, err);
    if (status != E5_OK) return status;
    e5_row_text(&row, table);
    e5_row_text(&row, now);
    e5_row_real(&row, grows ? box->min_x : NAN);
    e5_row_real(&row, grows ? box->max_x : NAN);
    e5_row_real(&row, grows ? box->min_y : NAN);
    e5_row_real(&row, grows ? box->max_y : NAN);
    status = e5_row_run(db, &row, err);
    e5_sql_finish(&row);
    return status;
}
