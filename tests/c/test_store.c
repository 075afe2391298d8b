/* The event database from outside: what is added is there, and once. */
#include "store_sample.h"

/* --- adding --- */

TEST(rows_hold_what_was_given) {
    fresh();
    struct sample *s = make(10, 12000, E5_PROLEPTIC);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(added.added == 10 && added.known == 0 && added.diagnostic == 1);
    CHECK(ask("SELECT count(*) FROM event WHERE kind = 'heatwave' AND variable = 't2m' AND duration_days = 2"
              " AND peak_exceedance = 2.5 AND peak_value = 305.25 AND peak_latitude = 44 AND area_max_km2 = 8000"
              " AND volume_km2_days = 16000 AND exceedance_mean = 1.5 AND calendar = 'proleptic_gregorian'"
              " AND centroid_longitude IS NULL AND centroid_latitude = 44 AND length(event_key) = 64") == 10);
    CHECK(ask("SELECT count(*) FROM event WHERE start_time = '2002-11-09T00:00:00.000Z' AND start_day = '2002-11-09'"
              " AND end_time = '2002-11-10T00:00:00.000Z' AND peak_day = '2002-11-10' AND censored AND touches_edge"
              " AND cumulative_intensity = 24000 AND west = -9.5 AND east = -8.5") == 1);
    CHECK(ask("SELECT count(*) FROM event_state WHERE area_km2 = 8000 AND exceedance_max = 2.5") == 20);
    CHECK(ask("SELECT count(*) FROM event_state WHERE centroid_longitude IS NULL") == 10);
    CHECK(ask("SELECT count(*) FROM dataset WHERE path = 'data/b?.nc' AND checksum IS NULL AND request IS NULL AND "
              "size_bytes IS NULL") == 1);
    CHECK(ask("SELECT count(*) FROM run_dataset") == 2);
    CHECK(ask("SELECT count(*) FROM gpkg_contents WHERE table_name = 'event' AND min_x = -9.5 AND max_x = -2.5"
              " AND min_y = 43.5 AND max_y = 44.5") == 1);
    CHECK(ask("SELECT count(*) FROM rtree_event_geom WHERE minx <= -9.4 AND maxx >= -9.4") == 2);
    check_whole();
    CHECK(!exists(".new") && !exists("-journal") && !exists("-wal"));
    drop(s);
    clean();
}

TEST(the_same_batch_twice_changes_no_byte) {
    fresh();
    struct sample *s = make(20, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    struct bytes before = slurp();
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(added.added == 0 && added.known == 20 && added.diagnostic == 1);
    CHECK(same_and_free(before, slurp()));
    drop(s);
    clean();
}

TEST(a_longer_record_knows_its_events_again) {
    fresh();
    struct sample *s = make(10, 12000, E5_STANDARD), *longer = make(30, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_store_batch second = batch;
    second.nsources = 1;
    longer->event[0].censored_start = longer->event[0].touches_edge = false;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT censored AND touches_edge FROM event WHERE id = 1") == 1);
    CHECK_OK(add(longer, &second, 1, NULL, &added, err));
    CHECK(added.added == 20 && added.known == 10);
    CHECK(ask("SELECT censored OR touches_edge FROM event WHERE id = 1") == 0);
    CHECK(ask("SELECT count(*) FROM run") == 2 && ask("SELECT count(*) FROM event_run") == 40);
    CHECK(ask("SELECT count(*) FROM dataset") == 2);
    check_whole();
    drop(s);
    drop(longer);
    clean();
}

TEST(another_definition_stands_beside_the_old_one) {
    fresh();
    struct sample *s = make(5, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_store_batch other = batch;
    other.definition = "{\"min_days\":5}";
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK_OK(add(s, &other, 1, NULL, &added, err));
    CHECK(added.added == 5 && added.diagnostic == 2);
    CHECK(ask("SELECT count(DISTINCT diagnostic_id) FROM event") == 2);
    drop(s);
    clean();
}

/* The same cells on 0 … 360, in float32, are the same events. */
TEST(keys_do_not_depend_on_the_kind_of_axis) {
    fresh();
    struct sample *s = make(7, 12000, E5_STANDARD), *t = make(7, 12000, E5_STANDARD);
    struct e5_store_added added;
    for (size_t i = 0; i < COLUMNS; i++) {
        s->longitude[i] = -9.9 + (double)i;
        t->longitude[i] = (float)(350.1 + (double)i);
    }
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK_OK(add(t, &batch, 1, NULL, &added, err));
    CHECK(added.known == 7);
    drop(s);
    drop(t);
    clean();
}

TEST(boxes_are_folded) {
    static const double given[][4] = {{355, 365, -5, 5},    {170, 190, 170, -170},
                                      {0, 360, -180, 180},  {-180.125, 179.875, -180, 180},
                                      {170, 180, 170, 180}, {180, 190, -180, -170}};
    fresh();
    struct sample *s = make(6, 12000, E5_STANDARD);
    struct e5_store_added added;
    for (size_t i = 0; i < 6; i++) s->event[i].box.west = given[i][0], s->event[i].box.east = given[i][1];
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    for (size_t i = 0; i < 6; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT west = %g AND east = %g FROM event WHERE id = %zu", given[i][2],
                 given[i][3], i + 1);
        CHECK(ask(sql) == 1);
    }
    drop(s);
    clean();
}

TEST(dates_that_gregorian_lacks_are_kept_as_text) {
    fresh();
    struct e5_date last_of_february = {2003, 2, 30};
    struct sample *s = make(1, e5_date_to_days(E5_DAYS_360, last_of_february), E5_DAYS_360);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM event WHERE start_day = '2003-02-30' AND calendar = '360_day'"
              " AND start_time = '2003-02-28T00:00:00.000Z' AND end_day = '2003-03-01'"
              " AND end_time = '2003-03-01T00:00:00.000Z'") == 1);
    drop(s);
    clean();
}

TEST(years_without_four_digits_have_no_stamp) {
    fresh();
    struct sample *s = make(1, e5_date_to_days(E5_NOLEAP, (struct e5_date){12003, 7, 1}), E5_NOLEAP);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM event WHERE start_time IS NULL AND start_day = '12003-07-01'") == 1);
    drop(s);
    clean();
}

TEST(a_run_without_events_is_noted) {
    fresh();
    struct sample *s = make(0, 12000, E5_STANDARD);
    struct e5_store_added added;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(added.added == 0 && ask("SELECT count(*) FROM run WHERE events = 0") == 1);
    check_whole();
    drop(s);
    clean();
}

TEST(an_event_without_outline_has_null) {
    fresh();
    struct sample *s = make(2, 12000, E5_STANDARD);
    struct e5_store_added added;
    s->event[1].outline_size = 0;
    CHECK_OK(add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM event WHERE geom IS NULL") == 1);
    check_whole();
    drop(s);
    clean();
}

TEST(wrong_tables_leave_no_trace) {
    fresh();
    struct sample *s = make(3, 12000, E5_STANDARD);
    struct e5_store_added added;
    s->run[5].count = 99;
    CHECK_STATUS(E5_INPUT, add(s, &batch, 1, NULL, &added, err));
    CHECK(added.added == 0 && ask("SELECT count(*) FROM event") == 0 && ask("SELECT count(*) FROM run") == 0);
    s->run[5].count = 1;
    s->event[2].outline_size -= 1;
    CHECK_STATUS(E5_DATABASE, add(s, &batch, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM event") == 0);
    check_whole();
    drop(s);
    clean();
}

TEST(hostile_text_is_only_text) {
    fresh();
    struct sample *s = make(1, 12000, E5_STANDARD);
    struct e5_store_added added;
    struct e5_store_batch hostile = batch;
    hostile.kind = "x'); DROP TABLE event; --";
    CHECK_OK(add(s, &hostile, 1, NULL, &added, err));
    CHECK(ask("SELECT count(*) FROM event WHERE kind LIKE 'x%DROP%'") == 1);
    hostile.kind = "";
    CHECK_STATUS(E5_INPUT, add(s, &hostile, 1, NULL, &added, err));
    drop(s);
    clean();
}

int main(void) {
    RUN(rows_hold_what_was_given);
    RUN(the_same_batch_twice_changes_no_byte);
    RUN(a_longer_record_knows_its_events_again);
    RUN(another_definition_stands_beside_the_old_one);
    RUN(keys_do_not_depend_on_the_kind_of_axis);
    RUN(boxes_are_folded);
    RUN(dates_that_gregorian_lacks_are_kept_as_text);
    RUN(years_without_four_digits_have_no_stamp);
    RUN(a_run_without_events_is_noted);
    RUN(an_event_without_outline_has_null);
    RUN(wrong_tables_leave_no_trace);
    RUN(hostile_text_is_only_text);
    return check_summary();
}
