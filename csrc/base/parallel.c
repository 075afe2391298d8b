#include "base/parallel.h"

unsigned e5_parallel_slots(const struct e5_parallel *par) { return par != NULL ? par->slots : 1; }

static enum e5_status one_by_one(struct e5_watch *watch, size_t n, e5_task_fn task, void *context,
                                 struct e5_error *err) {
    enum e5_status status = E5_OK;
    for (size_t i = 0; i < n && status == E5_OK; i++) {
        status = e5_watch_check(watch, err);
        if (status == E5_OK) status = task(context, i, 0, err);
    }
    return status;
}

enum e5_status e5_parallel_for(const struct e5_parallel *par, struct e5_watch *watch, size_t n, e5_task_fn task,
                               void *context, struct e5_error *err) {
    if (par == NULL || par->slots <= 1 || n <= 1) return one_by_one(watch, n, task, context, err);
    return par->run(par->self, watch, n, task, context, err);
}

void e5_parallel_offer(const struct e5_parallel *par, e5_spare_fn work) {
    if (par != NULL && par->offer != NULL) par->offer(par->self, work);
}
