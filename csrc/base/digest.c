#include "base/digest.h"

#include <openssl/evp.h>
#include <string.h>

enum e5_status e5_digest_init(struct e5_digest *digest, enum e5_digest_kind kind, struct e5_error *err) {
    /* "-fips": MD5 identifies files here and protects nothing, so it must also work where FIPS mode is on. */
    EVP_MD *method = EVP_MD_fetch(NULL, kind == E5_MD5 ? "MD5" : "SHA256", "-fips");
    digest->context = method != NULL ? EVP_MD_CTX_new() : NULL;
    bool ready = digest->context != NULL && EVP_DigestInit_ex(digest->context, method, NULL) == 1;
    EVP_MD_free(method); /* the context keeps its own reference */
    if (ready) return E5_OK;
    e5_digest_fini(digest);
    return e5_fail(err, E5_MEMORY, "cannot start a checksum");
}

void e5_digest_add(struct e5_digest *digest, const void *bytes, size_t size) {
    EVP_DigestUpdate(digest->context, bytes, size);
}

void e5_digest_hex(struct e5_digest *digest, char out[E5_DIGEST_HEX]) {
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_DigestFinal_ex(digest->context, raw, &length);
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < length && i < E5_DIGEST_MAX; i++) {
        *out++ = digits[raw[i] >> 4];
        *out++ = digits[raw[i] & 15];
    }
    *out = '\0';
}

enum e5_status e5_digest_restart(struct e5_digest *digest, struct e5_error *err) {
    if (EVP_DigestInit_ex(digest->context, NULL, NULL) == 1) return E5_OK;
    return e5_fail(err, E5_MEMORY, "cannot start a checksum");
}

void e5_digest_fini(struct e5_digest *digest) {
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
}
