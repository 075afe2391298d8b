#include "net/lifecycle.h"

#include <stddef.h>
#include <string.h>

struct rule {
    enum e5_stage stage;
    enum e5_event event;
    enum e5_stage next;
    enum e5_wait wait;
    enum e5_budget budget;
    /* where the budget is spent: */
    enum e5_stage otherwise;
    enum e5_wait last_wait;
    enum e5_event meaning; /* with `turns`: that is what the event means then */
    bool turns;
};

static const unsigned char allowance[E5_BUDGET_COUNT] = {
    [E5_BUDGET_EARLY] = 30, [E5_BUDGET_UNREADABLE] = 3, [E5_BUDGET_EXPIRED] = 1, [E5_BUDGET_MISSING] = 1,
    [E5_BUDGET_SHAKY] = 2,  [E5_BUDGET_SHORT] = 1,      [E5_BUDGET_GONE] = 1,    [E5_BUDGET_CORRUPT] = 1,
};

#define ROW(stage, event, next, wait) \
    {E5_STAGE_##stage, E5_EVENT_##event, E5_STAGE_##next, E5_WAIT_##wait, 0, 0, 0, 0, false}
#define ROW_ONLY(stage, event, next, wait, budget, otherwise, last_wait) \
    {E5_STAGE_##stage,                                                   \
     E5_EVENT_##event,                                                   \
     E5_STAGE_##next,                                                    \
     E5_WAIT_##wait,                                                     \
     E5_BUDGET_##budget,                                                 \
     E5_STAGE_##otherwise,                                               \
     E5_WAIT_##last_wait,                                                \
     0,                                                                  \
     false}
#define ROW_TURNS(stage, event, next, wait, budget, meaning) \
    {E5_STAGE_##stage,                                       \
     E5_EVENT_##event,                                       \
     E5_STAGE_##next,                                        \
     E5_WAIT_##wait,                                         \
     E5_BUDGET_##budget,                                     \
     0,                                                      \
     0,                                                      \
     E5_EVENT_##meaning,                                     \
     true}
/* A stage that asks the service: every call can fail in these three ways. */
#define ROWS_CALL(stage)                                                      \
    ROW(stage, TEMPORARY, stage, RETRY), ROW(stage, PERMANENT, FAILED, NONE), \
        ROW_ONLY(stage, UNREADABLE, stage, RETRY, UNREADABLE, FAILED, NONE)
/* A stage that asks about a job: how the job can turn out. */
#define ROWS_JOB(stage)                                                                                     \
    ROW(stage, LOCATED, OPEN, NONE), ROW(stage, BROKEN, FAILED, NONE), ROW(stage, DISMISSED, FAILED, NONE), \
        ROW(stage, CROWDED, INTEND, CROWD), ROW(stage, YOUNG, stage, LAG),                                  \
        ROW_ONLY(stage, EXPIRED, INTEND, NONE, EXPIRED, FAILED, NONE),                                      \
        ROW_ONLY(stage, SHAKY, INTEND, RETRY, SHAKY, FAILED, NONE),                                         \
        ROW_ONLY(stage, MISSING, INTEND, NONE, MISSING, FAILED, NONE)

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
    /* the next submission may be lost as well: that too has its end */
    ROW_ONLY(LOOK, ABSENT, LOOK, LOOK, LOOKS, INTEND, RETRY),

    ROW(RECORD, SAVED, POLL, POLL),
    ROW(RECORD, PERMANENT, FAILED, NONE),

    ROWS_CALL(POLL),
    ROWS_JOB(POLL),
    ROW(POLL, WORKING, POLL, POLL),
    ROW(POLL, ENDED, LOCATE, NONE),

    ROWS_CALL(LOCATE),
    ROWS_JOB(LOCATE),
    ROW_ONLY(LOCATE, EARLY, LOCATE, LAG, EARLY, POLL, NONE),

    ROW(OPEN, KEPT, DONE, NONE),
    ROW(OPEN, READY, LOAD, NONE),
    ROW(OPEN, PERMANENT, FAILED, NONE),

    ROW(LOAD, TEMPORARY, LOAD, RETRY),
    ROW(LOAD, PERMANENT, FAILED, NONE),
    ROW(LOAD, WHOLE, CHECK, NONE),
    /* a second short reply is no accident, and a second dead address means that the results are gone */
    ROW_TURNS(LOAD, SHORT, LOAD, RETRY, SHORT, CORRUPT),
    ROW_TURNS(LOAD, GONE, LOCATE, LAG, GONE, EXPIRED),
    ROW_ONLY(LOAD, EXPIRED, INTEND, NONE, EXPIRED, FAILED, NONE),
    ROW_ONLY(LOAD, CORRUPT, OPEN, RETRY, CORRUPT, FAILED, NONE),

    ROW(CHECK, SOUND, DONE, NONE),
    ROW(CHECK, PERMANENT, FAILED, NONE),
    ROW_ONLY(CHECK, CORRUPT, OPEN, RETRY, CORRUPT, FAILED, NONE),
};

static const struct rule *find(enum e5_stage stage, enum e5_event event) {
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].stage == stage && rules[i].event == event) return &rules[i];
    return NULL;
}

static unsigned allowed(const struct e5_lifecycle *life, enum e5_budget budget) {
    if (budget != E5_BUDGET_LOOKS) return allowance[budget];
    return (life->looks > 0 ? life->looks : E5_LOOKS) - 1u; /* the first look is free */
}

static bool is_spent(const struct e5_lifecycle *life, enum e5_budget budget) {
    return budget != E5_BUDGET_NONE && life->spent[budget] >= allowed(life, budget);
}

enum e5_event e5_lifecycle_meaning(const struct e5_lifecycle *life, enum e5_event event) {
    const struct rule *rule = find(life->stage, event);
    return rule != NULL && rule->turns && is_spent(life, rule->budget) ? rule->meaning : event;
}

enum e5_wait e5_lifecycle_advance(struct e5_lifecycle *life, enum e5_event event) {
    const struct rule *rule = find(life->stage, e5_lifecycle_meaning(life, event));
    enum e5_stage before = life->stage;
    enum e5_wait wait = E5_WAIT_NONE;
    if (rule == NULL) {
        life->stage = E5_STAGE_FAILED;
    } else if (is_spent(life, rule->budget)) {
        life->stage = rule->otherwise;
        wait = rule->last_wait;
    } else {
        life->stage = rule->next;
        wait = rule->wait;
        if (rule->budget != E5_BUDGET_NONE) life->spent[rule->budget]++;
    }
    if (life->goal != E5_STAGE_CLAIM && life->stage == life->goal) {
        life->stage = E5_STAGE_DONE;
        wait = E5_WAIT_NONE;
    }
    if (life->stage != before) memset(&life->spent[E5_BUDGET_LOOKS], 0, E5_BUDGET_EXPIRED - E5_BUDGET_LOOKS);
    return wait;
}
