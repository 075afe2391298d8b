/* Which copies of other libraries serve us: each is named, with its version and the file that holds it. */
#include <ctype.h>
#include <unistd.h>

#include "base/provider.h"
#include "check.h"
#include "db/provider_db.h"
#include "io/provider_io.h"
#include "net/provider_net.h"

static bool is_version(const char *text) { return isdigit((unsigned char)text[0]) && strchr(text, '.') != NULL; }

static void check_room(size_t (*room)(struct e5_provider *), size_t count, const char *const *names) {
    struct e5_provider found[E5_PROVIDER_MOST];
    CHECK(room(found) == count);
    for (size_t i = 0; i < count; i++) {
        CHECK(strcmp(found[i].name, names[i]) == 0);
        CHECK(is_version(found[i].built) && is_version(found[i].loaded));
        CHECK(strchr(found[i].loaded, ' ') == NULL);
        CHECK(access(found[i].path, R_OK) == 0);
    }
}

TEST(every_room_knows_its_libraries) {
    check_room(e5_provider_base, 1, (const char *const[]){"libcrypto"});
    check_room(e5_provider_net, 2, (const char *const[]){"libcurl", "jansson"});
    check_room(e5_provider_io, 4, (const char *const[]){"netcdf", "hdf5", "libdeflate", "zlib"});
    check_room(e5_provider_db, 1, (const char *const[]){"sqlite3"});
    CHECK(strchr(e5_provider_tls(), '/') != NULL); /* "OpenSSL/3.0.17" */
}

TEST(what_nobody_holds_has_no_file) {
    struct e5_provider found;
    int on_the_stack = 0;
    e5_provider_set(&found, "none", "1.0", "2.0", &on_the_stack);
    CHECK(strcmp(found.path, "") == 0 && strcmp(found.built, "1.0") == 0 && strcmp(found.loaded, "2.0") == 0);
}

int main(void) {
    RUN(every_room_knows_its_libraries);
    RUN(what_nobody_holds_has_no_file);
    return check_summary();
}
