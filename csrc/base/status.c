#include "base/status.h"

static const struct {
    const char *name, *code, *meaning;
    bool retryable;
} rows[E5_STATUS_COUNT] = {
#define E5_STATUS(NAME, code_, retryable_, meaning_) [E5_##NAME] = {#NAME, code_, meaning_, retryable_},
#include "base/status.def"
#undef E5_STATUS
};

static enum e5_status known(enum e5_status status) {
    return (unsigned)status < E5_STATUS_COUNT ? status : E5_INTERNAL;
}

const char *e5_status_name(enum e5_status status) { return rows[known(status)].name; }
const char *e5_status_code(enum e5_status status) { return rows[known(status)].code; }
const char *e5_status_meaning(enum e5_status status) { return rows[known(status)].meaning; }
bool e5_status_retryable(enum e5_status status) { return rows[known(status)].retryable; }
