#include "net/provider_net.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdint.h>

size_t e5_provider_net(struct e5_provider out[E5_PROVIDER_MOST]) {
    const char *curl = curl_version_info(CURLVERSION_NOW)->version;
    e5_provider_set(&out[0], "libcurl", LIBCURL_VERSION, curl, E5_PROVIDER_SYMBOL(curl_version_info));
#if JANSSON_VERSION_HEX >= 0x020D00
    const char *jansson = jansson_version_str();
#else
    const char *jansson = JANSSON_VERSION; /* older ones do not say */
#endif
    e5_provider_set(&out[1], "jansson", JANSSON_VERSION, jansson, E5_PROVIDER_SYMBOL(json_loadb));
    return 2;
}

const char *e5_provider_tls(void) {
    const char *backend = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return backend == NULL ? "" : backend;
}
