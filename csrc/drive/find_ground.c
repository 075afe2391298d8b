#include "drive/find_ground.h"

#include "events/bits.h"

enum e5_status e5_find_ground_init(struct e5_find_ground *ground, const struct e5_grid *grid,
                                   const struct e5_event_rule *rule, struct e5_error *err) {
    *ground = (struct e5_find_ground){.row_words = e5_bits_words(grid->columns)};
    ground->topology = (struct e5_topology){.rows = grid->rows,
                                            .columns = grid->columns,
                                            .periodic = grid->periodic,
                                            .pole_first = grid->pole_first,
                                            .pole_last = grid->pole_last,
                                            .neighbours = rule->neighbours};
    ground->frame_words = e5_topology_words(&ground->topology);
    enum e5_status status = e5_topology_check(&ground->topology, err);
    if (status == E5_OK)
        status = e5_grid_init(&ground->grid, grid->latitude, grid->rows, grid->longitude, grid->columns, err);
    if (status == E5_OK && rule->areas == E5_AREAS_WGS84) e5_grid_use_wgs84(&ground->grid);
    if (rule->min_blob_area > 0 || rule->join.overlapping || rule->join.links) ground->row_area = ground->grid.area;
    return status;
}

void e5_find_ground_fini(struct e5_find_ground *ground) {
    e5_grid_fini(&ground->grid);
    *ground = (struct e5_find_ground){0};
}
