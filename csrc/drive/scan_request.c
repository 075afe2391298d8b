#include "drive/scan_request.h"

size_t e5_scan_request_bytes(const struct e5_scan_request *request, size_t cells, enum e5_dtype dtype) {
    return cells * request->kernel->ops.scan->state_size(request->params, dtype);
}
