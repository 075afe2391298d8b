#include "model/holes.h"

#include <stdbool.h>

struct e5_holes e5_holes_find(const int64_t *seconds, size_t n, int64_t step) {
    struct e5_holes found = {0}, none = {0};
    if (step <= 0) return none;
    for (size_t i = 1; i < n; i++) {
        int64_t gap = seconds[i] - seconds[i - 1];
        if (gap % step != 0) return none;
        if (gap == step) continue;
        if (found.count++ == 0) found.after = i;
        found.missing += (size_t)(gap / step - 1);
    }
    bool asked_for = found.count > 1 && found.missing > (found.missing + n) / 3;
    return found.count * 20 > n - 1 || asked_for ? none : found;
}
