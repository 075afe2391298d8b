/* provider_db: which copy of SQLite serves us; see base/provider.h. */
#ifndef E5_DB_PROVIDER_DB_H
#define E5_DB_PROVIDER_DB_H

#include "base/provider.h"

size_t e5_provider_db(struct e5_provider out[E5_PROVIDER_MOST]);

#endif
