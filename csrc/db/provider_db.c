#include "db/provider_db.h"

#include <sqlite3.h>
#include <stdint.h>

size_t e5_provider_db(struct e5_provider out[E5_PROVIDER_MOST]) {
    e5_provider_set(&out[0], "sqlite3", SQLITE_VERSION, sqlite3_libversion(), E5_PROVIDER_SYMBOL(sqlite3_libversion));
    return 1;
}
