#include "net/lifecycle.h"

#include <stddef.h>
#include <string.h>

struct rule {
    enum e5_stage stage;
    enum e5_event event;
    enum e5_stage next;
    enum e5_wait wait;
    enum e5_budget budget;
    enum e5_stage otherwise; /* where the budget is spent */
};

static const unsigned char allowance[E5_BUDGET_COUNT] = {
    [E5_BUDGET_EARLY] = 30, [E5_BUDGET_UNREADABLE] = 3, [E5_BUDGET_EXPIRED] = 1, [E5_BUDGET_MISSING] = 1,
    [E5_BUDGET_SHAKY] = 2,  [E5_BUDGET_SHORT] = 1,      [E5_BUDGET_GONE] = 1,    [E5_BUDGET_CORRUPT] = 1,
};

#define ROW(stage, event, next, wait) {E5_STAGE_##stage, E5_EVENT_##event, E5_STAGE_##next, E5_WAIT_##wait, 0, 0}
#define ROW_ONLY(stage, event, next, wait, budget, otherwise) \
    {E5_STAGE_##stage, E5_EVENT_##event, E5_STAGE_##next, E5_WAIT_##wait, E5_BUDGET_##budget, E5_STAGE_##otherwise}
/* A stage that asks the service: every call can fail in these three ways. */
#define ROWS_CALL(stage)                                                      \
    ROW(stage, TEMPORARY, stage, RETRY), ROW(stage, PERMANENT, FAILED, NONE), \
        ROW_ONLY(stage, UNREADABLE, stage, RETRY, UNREADABLE, FAILED)
/* A stage that asks about a job: how the job can turn out. */
#define ROWS_JOB(stage)                                                                                     \
    ROW(stage, LOCATED, OPEN, NONE), ROW(stage, BROKEN, FAILED, NONE), ROW(stage, DISMISSED, FAILED, NONE), \
        ROW(stage, CROWDED, INTEND, CROWD), ROW(stage, YOUNG, stage, LAG),                                  \
        ROW_ONLY(stage, EXPIRED, INTEND, NONE, EXPIRED, FAILED),                                            \
        ROW_ONLY(stage, SHAKY, INTEND, RETRY, SHAKY, FAILED),                                               \
        ROW_ONLY(stage, MISSING, INTEND, NONE, MISSING, FAILED)

static const struct rule rules[] = {
    ROW(CLAIM, FRESH, INTEND, NONE),
    ROW(CLAIM, ATTACH, POLL, NONE),
    ROW(CLAIM, KNOWN, OPEN, NONE),
    ROW(CLAIM, PENDING, LOOK, NONE),
    ROW(CLAIM, BUSY, CLAIM, LOCK),
    ROW(CLAIM, KEPT, DONE, NONE),
    ROW(CLAIM, PERMANENT, FAILED, NONE),

    ROW(INTEND, SAVED, SUBMIT, NONE),
    ROW(INTEND, CREATED, RECORD, NONE), /* the same request stands elsewhere: its job serves both */
    ROW(INTEND, PENDING, LOOK, NONE),
    ROW(INTEND, PERMANENT, FAILED, NONE),

    ROWS_CALL(SUBMIT),
    ROW(SUBMIT, CREATED, RECORD, NONE),
    ROW(SUBMIT, LOST, LOOK, LAG),

    ROWS_CALL(LOOK),
    ROW(LOOK, CREATED, RECORD, NONE),
    ROW_ONLY(LOOK, ABSENT, LOOK, LOOK, LOOKS, INTEND),

    ROW(RECORD, SAVED, POLL, POLL),
    ROW(RECORD, PERMANENT, FAILED, NONE),

    ROWS_CALL(POLL),
    ROWS_JOB(POLL),
    ROW(POLL, WORKING, POLL, POLL),
    ROW(POLL, ENDED, LOCATE, NONE),

    ROWS_CALL(LOCATE),
    ROWS_JOB(LOCATE),
    ROW_ONLY(LOCATE, EARLY, LOCATE, LAG, EARLY, POLL),

    ROW(OPEN, KEPT, DONE, NONE),
    ROW(OPEN, READY, LOAD, NONE),
    ROW(OPEN, PERMANENT, FAILED, NONE),

    ROW(LOAD, TEMPORARY, LOAD, RETRY),
    ROW(LOAD, PERMANENT, FAILED, NONE),
    ROW(LOAD, WHOLE, CHECK, NONE),
    ROW_ONLY(LOAD, SHORT, LOAD, RETRY, SHORT, FAILED),
    ROW_ONLY(LOAD, GONE, LOCATE, LAG, GONE, FAILED),
    ROW_ONLY(LOAD, EXPIRED, INTEND, NONE, EXPIRED, FAILED),
    ROW_ONLY(LOAD, CORRUPT, OPEN, RETRY, CORRUPT, FAILED),

    ROW(CHECK, SOUND, DONE, NONE),
    ROW(CHECK, PERMANENT, FAILED, NONE),
    ROW_ONLY(CHECK, CORRUPT, OPEN, RETRY, CORRUPT, FAILED),
};

static const struct rule *find(enum e5_stage stage, enum e5_event event) {
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].stage == stage && rules[i].event == event) return &rules[i];
    return NULL;
}

bool e5_lifecycle_knows(enum e5_stage stage, enum e5_event event) { return find(stage, event) != NULL; }

static unsigned allowed(const struct e5_lifecycle *life, enum e5_budget budget) {
    if (budget != E5_BUDGET_LOOKS) return allowance[budget];
    return (life->looks > 0 ? life->looks : E5_LOOKS) - 1u; /* the first look is free */
}

static bool within_budget(struct e5_lifecycle *life, enum e5_budget budget) {
    if (budget == E5_BUDGET_NONE) return true;
    if (life->spent[budget] >= allowed(life, budget)) return false;
    life->spent[budget]++;
    return true;
}

enum e5_wait e5_lifecycle_advance(struct e5_lifecycle *life, enum e5_event event) {
    const struct rule *rule = find(life->stage, event);
    enum e5_stage before = life->stage;
    enum e5_wait wait = E5_WAIT_NONE;
    if (rule == NULL) {
        life->stage = E5_STAGE_FAILED;
    } else if (within_budget(life, rule->budget)) {
        life->stage = rule->next;
        wait = rule->wait;
    } else {
        life->stage = rule->otherwise;
    }
    if (life->goal != E5_STAGE_CLAIM && life->stage == life->goal) {
        life->stage = E5_STAGE_DONE;
        wait = E5_WAIT_NONE;
    }
    if (life->stage != before) memset(&life->spent[E5_BUDGET_LOOKS], 0, E5_BUDGET_EXPIRED - E5_BUDGET_LOOKS);
    return wait;
}
