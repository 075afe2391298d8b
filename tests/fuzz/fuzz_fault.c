/* Error bodies: JSON, pages of proxies, anything.  The first byte chooses the HTTP status. */
#include "fuzz.h"
#include "net/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int statuses[] = {302, 400, 401, 403, 404, 407, 408, 409, 410, 418, 422, 429, 500, 501, 502, 503};
    struct e5_error err = E5_ERROR_NONE;
    if (size < 1) return 0;
    int status = statuses[data[0] % 16];
    char *body = fuzz_bytes(data + 1, size - 1);
    e5_fault_reply(status, body, size - 1, "https://cds.example.org/api", "reanalysis", &err);
    MUST(err.status != E5_OK && err.what[0] != '\0' && err.http_status == status);
    MUST(fuzz_is_clean(err.what) && fuzz_is_clean(err.hint));
    free(body);
    return 0;
}
