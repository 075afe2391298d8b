#include "drive/fetch_item.h"

#include <stdlib.h>

void e5_fetch_results_fini(struct e5_fetch_result *results, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(results[i].asset);
        for (char **file = results[i].files; file != NULL && *file != NULL; file++) free(*file);
        free(results[i].files);
        results[i].asset = NULL;
        results[i].files = NULL;
    }
}
