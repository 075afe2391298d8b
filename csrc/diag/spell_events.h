/* spell_events: the properties of a run of days, as Hobday et al. define those of marine heatwaves.
 *
 * Hobday et al. 2016, Prog. Oceanogr. 141, 227; categories: Hobday et al. 2018, Oceanography 31(2), 162.
 * Anomalies a are value − climatology, exceedances value − threshold; of cold spells the signs of the peak are turned
 * (the largest anomaly is the most negative one).  Sums run in double in order of time.  Pure: any thread. */
#ifndef E5_DIAG_SPELL_EVENTS_H
#define E5_DIAG_SPELL_EVENTS_H

#include "diag/spells.h"

enum e5_spell_column {
#define COLUMN(name, units, doc) E5_SPELL_##name,
#include "diag/spell_columns.def"
#undef COLUMN
    E5_SPELL_COLUMNS
};

struct e5_spell_switches {
    bool cold;          /* runs below the threshold */
    bool sample;        /* standard deviations divide by n − 1, not n */
    bool own_maximum;   /* exceedance and value have their own maxima, else those of the day of the peak */
    bool rates_at_edge; /* rates of censored runs are one-sided, else missing */
};

/* What a tile's runs are measured against; `climatology` NULL: anomalies and categories are missing, and the peak is
 * that of the exceedance. */
struct e5_spell_measure {
    struct e5_spell_series x;
    struct e5_spell_limit threshold, climatology;
    struct e5_spell_switches switches;
};

/* Fill a row of E5_SPELL_COLUMNS but for the cell. */
void e5_spell_describe(const struct e5_spell_axis *axis, const struct e5_spell_measure *measure, size_t lane,
                       struct e5_spell run, double *row);

#endif
