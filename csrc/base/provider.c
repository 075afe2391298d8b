#include "base/provider.h"

#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <stdint.h>

#include "base/text.h"

void e5_provider_set(struct e5_provider *out, const char *name, const char *built, const char *loaded,
                     const void *symbol) {
    Dl_info found;
    out->name = name;
    e5_text_copy(out->built, sizeof out->built, built);
    e5_text_copy(out->loaded, sizeof out->loaded, loaded);
    int is_known = dladdr(symbol, &found) != 0 && found.dli_fname != NULL;
    e5_text_copy(out->path, sizeof out->path, is_known ? found.dli_fname : "");
}

size_t e5_provider_base(struct e5_provider out[E5_PROVIDER_MOST]) {
    e5_provider_set(&out[0], "libcrypto", OPENSSL_VERSION_STR, OpenSSL_version(OPENSSL_VERSION_STRING),
                    E5_PROVIDER_SYMBOL(OpenSSL_version));
    return 1;
}
