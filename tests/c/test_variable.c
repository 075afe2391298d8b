#include "check.h"
#include "model/variable.h"

TEST(every_row_is_complete) {
    CHECK(e5_variable_count() >= 150 && e5_variable_at(e5_variable_count()) == NULL);
    for (size_t i = 0; i < e5_variable_count(); i++) {
        const struct e5_variable *v = e5_variable_at(i);
        CHECK(v->netcdf[0] != '\0' && v->short_name[0] != '\0' && v->units[0] != '\0' && v->param_id > 0);
        CHECK(v->request[0] != '\0' || v->param_id == 152);
        CHECK(strstr("sfc|pl|ml|pl ml", v->level) != NULL);
        CHECK(strcmp(e5_variable_kind_name(v->kind), "unknown") != 0);
        CHECK(strcmp(e5_variable_source_name(v->source), "unknown") != 0);
        CHECK(strstr("era5|land|era5 land", v->reanalyses) != NULL);
        for (size_t j = 0; j < i; j++) {
            const struct e5_variable *other = e5_variable_at(j);
            CHECK(strcmp(v->request, other->request) != 0 || strcmp(v->level, other->level) != 0 ||
                  v->param_id != other->param_id);
        }
    }
}

/* All names of a row lead to a variable with its parameter id, but for the one name that two datasets give to
 * different things. */
TEST(every_name_finds_its_row) {
    for (size_t i = 0; i < e5_variable_count(); i++) {
        const struct e5_variable *v = e5_variable_at(i);
        char id[16];
        snprintf(id, sizeof id, "%d", v->param_id);
        const char *names[] = {v->request, v->netcdf, v->short_name, v->old_netcdf, id};
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            const struct e5_variable *found = e5_variable_find(names[k]);
            bool ambiguous = strcmp(names[k], "snow_depth") == 0;
            if (names[k][0] == '\0')
                CHECK(found == NULL);
            else
                CHECK(found != NULL && (found->param_id == v->param_id || ambiguous));
        }
    }
}

static void is(const char *name, const char *netcdf, int param_id, enum e5_variable_kind kind) {
    const struct e5_variable *found = e5_variable_find(name);
    CHECK(found != NULL && strcmp(found->netcdf, netcdf) == 0 && found->param_id == param_id && found->kind == kind);
}

TEST(well_known_names) {
    is("2m_temperature", "t2m", 167, E5_INSTANT);
    is("2t", "t2m", 167, E5_INSTANT);
    is("167", "t2m", 167, E5_INSTANT);
    is("tp", "tp", 228, E5_ACCUMULATION);
    is("228", "tp", 228, E5_ACCUMULATION);
    is("mtpr", "avg_tprate", 235055, E5_MEAN_RATE);
    is("mean_total_precipitation_rate", "avg_tprate", 235055, E5_MEAN_RATE);
    is("mn2t", "mn2t", 202, E5_MINIMUM);
    is("mx2t", "mx2t", 201, E5_MAXIMUM);
    is("10fg", "fg10", 49, E5_MAXIMUM);
    is("i10fg", "i10fg", 228029, E5_INSTANT);
    is("ci", "siconc", 31, E5_INSTANT);
    is("lsm", "lsm", 172, E5_INVARIANT);
    is("lnsp", "lnsp", 152, E5_INSTANT);
    is("lake_ice_depth", "licd", 228014, E5_INSTANT);
}

TEST(clashes_go_to_the_first_row) {
    is("z", "z", 129, E5_INVARIANT);
    is("geopotential", "z", 129, E5_INVARIANT);
    is("snow_depth", "sd", 141, E5_INSTANT);
    is("sde", "sde", 3066, E5_INSTANT);
    is("e", "e", 182, E5_ACCUMULATION);
    is("snow_depth_water_equivalent", "sd", 141, E5_INSTANT);
}

TEST(unknown_names) {
    static const char *const unknown[] = {"",  "T2M",  "t2",      "2m_temperatur",
                                          "0", "-167", "167.128", "999999999999999999999"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) CHECK(e5_variable_find(unknown[i]) == NULL);
}

TEST(kinds_know_their_day) {
    CHECK(e5_variable_day_rule(E5_INSTANT) == E5_DAY_INSTANT && e5_variable_day_rule(E5_INVARIANT) == E5_DAY_INSTANT);
    CHECK(e5_variable_day_rule(E5_ACCUMULATION) == E5_DAY_HOUR_ENDING);
    CHECK(e5_variable_day_rule(E5_MEAN_RATE) == E5_DAY_HOUR_ENDING);
    CHECK(e5_variable_day_rule(E5_MAXIMUM) == E5_DAY_HOUR_ENDING);
    CHECK(e5_variable_day_rule(E5_MINIMUM) == E5_DAY_HOUR_ENDING);
}

int main(void) {
    RUN(every_row_is_complete);
    RUN(every_name_finds_its_row);
    RUN(well_known_names);
    RUN(clashes_go_to_the_first_row);
    RUN(unknown_names);
    RUN(kinds_know_their_day);
    return check_summary();
}
