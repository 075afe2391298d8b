/* etccdi: the indices of kernels/etccdi.def, one after the other on the same tile.
 *
 * kernels/etccdi.c holds the table and the plan, kernels/etccdi_index.c the functions of its rows.  Thresholds come
 * in the units of the data and are rounded to their precision; results are in the units of the data, too. Plans are
 * read-only once made, a job belongs to one tile.  Any thread; nothing blocks. */
#ifndef E5_KERNELS_ETCCDI_H
#define E5_KERNELS_ETCCDI_H

#include "diag/exceedance.h"
#include "diag/rolling.h"
#include "diag/season.h"
#include "diag/spells_one.h"
#include "diag/tally.h"
#include "diag/wet_quantile.h"
#include "kernels/kernel.h"

/* Operands and parameters, in the order of the kernel's row. */
enum {
    E5_ETCCDI_TX,
    E5_ETCCDI_TN,
    E5_ETCCDI_TG,
    E5_ETCCDI_PR,
    E5_ETCCDI_SERIES,
    E5_ETCCDI_LATITUDE = E5_ETCCDI_SERIES
};
enum e5_etccdi_param {
    E5_ETCCDI_INDICES,
    E5_ETCCDI_BASE_PERIOD,
    E5_ETCCDI_WINDOW,
    E5_ETCCDI_TYPE,
    E5_ETCCDI_NEIGHBOURS,
    E5_ETCCDI_LEAP_DAY,
    E5_ETCCDI_MIN_SHARE,
    E5_ETCCDI_BOOTSTRAP,
    E5_ETCCDI_BOOTSTRAP_OF,
    E5_ETCCDI_INCLUSIVE,
    E5_ETCCDI_PERCENT_OF,
    E5_ETCCDI_SPELLS,
    E5_ETCCDI_LONGEST,
    E5_ETCCDI_LABEL,
    E5_ETCCDI_WINDOWS,
    E5_ETCCDI_SEASON,
    E5_ETCCDI_DRY_PERIOD,
    E5_ETCCDI_WET_TEST,
    E5_ETCCDI_FROST_BELOW,
    E5_ETCCDI_ICE_BELOW,
    E5_ETCCDI_SUMMER_ABOVE,
    E5_ETCCDI_TROPICAL_ABOVE,
    E5_ETCCDI_GROWING_ABOVE,
    E5_ETCCDI_HEATING_BELOW,
    E5_ETCCDI_COOLING_ABOVE,
    E5_ETCCDI_DEGREES_ABOVE,
    E5_ETCCDI_WET,
    E5_ETCCDI_TOTAL_WET,
    E5_ETCCDI_HEAVY,
    E5_ETCCDI_VERY_HEAVY,
    E5_ETCCDI_NN,
    E5_ETCCDI_LOW,
    E5_ETCCDI_HIGH,
    E5_ETCCDI_VERY_WET,
    E5_ETCCDI_EXTREMELY_WET,
    E5_ETCCDI_SPELL_DAYS,
    E5_ETCCDI_SEASON_DAYS,
    E5_ETCCDI_ROLLING_DAYS,
    E5_ETCCDI_NOTHING /* no limit */
};
enum { E5_ETCCDI_OF_VALID, E5_ETCCDI_OF_ALL, E5_ETCCDI_DAYS }; /* percent_of */
enum { E5_ETCCDI_OF_SHARES, E5_ETCCDI_OF_SPELLS_TOO };         /* bootstrap_of */

enum e5_etccdi_monthly { E5_ETCCDI_NO, E5_ETCCDI_ANY, E5_ETCCDI_YEAR };

struct e5_etccdi_job;
struct e5_etccdi_index {
    const char *name, *units, *cell_methods;
    const char *title; /* long_name; {parameter} stands for its value */
    const char *standard_name; /* of the CF table; NULL: it has none */
    enum e5_etccdi_monthly monthly;
    unsigned operands;      /* a bit for each that is needed; TG may be made of TX and TN */
    const char *parameters; /* blank-separated: name=parameter of the kernel */
    void (*compute)(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out);
    int operand;
    enum e5_tally_test test;
    enum e5_etccdi_param limit;
};
#define E5_ETCCDI_MAX 63
extern const struct e5_etccdi_index e5_etccdi_indices[]; /* in the order of the choices of `indices` */
extern const size_t e5_etccdi_index_count;

/* Percentiles of a series: above the high one, or below the low one. */
struct e5_etccdi_percentile {
    bool used, counted; /* counted: days are wanted, not only thresholds */
    bool flagged;       /* and the days of every replicate, for spells */
    struct e5_doy doy;
    struct e5_exceedance exceedance;
};

struct e5_etccdi_plan {
    struct e5_params params;
    const struct e5_time_axis *axis;
    const struct e5_periods *periods;
    size_t indices;
    int index[E5_ETCCDI_MAX]; /* of the table, in the order of the results */
    struct e5_tally_axis tally;
    struct e5_spell_axis spells, longest;
    struct e5_rolling rolling;
    struct e5_season_axis season, south; /* south: years that begin in July */
    struct e5_periods south_periods;
    size_t south_skips; /* years of theirs that begin before the first period */
    bool by_hemisphere, mean_given; /* TG is an operand */
    size_t base_first, base_end; /* steps */
    int32_t *slot;               /* steps: of the thresholds */
    struct e5_etccdi_percentile percentile[2][2]; /* TX, TN × low, high */
    /* Missing data; NULL or empty when no period is taken away. */
    const struct e5_missing *missing;
    struct e5_missing south_missing;
    uint16_t *untouched, *south_untouched; /* periods: taken away even if no value is missing */
};

/* One tile: what came in, and room for what is made of it. */
struct e5_etccdi_job {
    const struct e5_etccdi_plan *plan;
    struct e5_tally_series series[E5_ETCCDI_SERIES];
    const double *latitude; /* E5_LANES, or NULL */
    void *mean;             /* steps: TG */
    const struct e5_etccdi_percentile *at_hand; /* whose counts and thresholds are these: */
    uint16_t *beyond;                           /* steps */
    double *thresholds;                         /* slots */
    void *work;                                 /* of the percentiles */
    uint32_t *flags;                            /* of the spells */
    uint32_t *replicates;                       /* of those of every replicate */
    struct e5_spell_counts *counts;             /* periods + 1 */
    double *days;                               /* periods, and one more */
    uint16_t *absent, *taken;                   /* steps, periods: of the operands in `judged` */
    unsigned absent_in, judged;                 /* operands in which a value is missing, of which `taken` tells */
};

E5_MUST_USE enum e5_status e5_etccdi_plan(const struct e5_params *params, const struct e5_series_input *input,
                                          struct e5_etccdi_plan **out, struct e5_error *err);
void e5_etccdi_plan_free(void *plan);
unsigned e5_etccdi_needs(const struct e5_etccdi_plan *plan); /* a bit for each operand that any index needs */

/* The functions of the rows. */
#define INDEX(name, title, units, methods, standard_name, monthly, operands, parameters, function, ...) \
    void e5_etccdi_##function(struct e5_etccdi_job *job, const struct e5_etccdi_index *index, double *out);
#include "kernels/etccdi.def"
#undef INDEX

#endif
