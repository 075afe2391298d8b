#include "make_h5.h"

#include "base/alloc.h"

#define MANY H5S_UNLIMITED

static const struct h5_new formats[] = {
    {0},
    {.tracked = true},
    {.newest = true},
    {.newest = true, .tracked = true},
    {.user_block = 512},
    {.newest = true, .user_block = 2048},
    {.width = 4},
    {.newest = true, .width = 4},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static void close_and_compare(hid_t file, const char *path, size_t objects, size_t attrs, size_t chunks) {
    H5(H5Fclose(file));
    struct h5_both both = h5_compare(path);
    CHECK(both.objects >= objects && both.attrs >= attrs && both.chunks >= chunks);
}

/* --- chunks --- */

static const struct h5_set sets[] = {
    {"one chunk", .ndim = 2, .dim = {20, 30}, .chunk = {20, 30}, .every = 1},
    {"fixed", .ndim = 2, .dim = {40, 30}, .chunk = {7, 8}, .every = 1},
    {"fixed, may grow", .ndim = 2, .dim = {40, 30}, .most = {80, 64}, .chunk = {7, 8}, .every = 1},
    {"fixed, with holes", .ndim = 2, .dim = {40, 30}, .chunk = {1, 8}, .every = 9},
    {"fixed, in pages", .ndim = 2, .dim = {60, 50}, .chunk = {2, 1}, .every = 1},
    {"fixed, in pages, with holes", .ndim = 2, .dim = {70, 50}, .chunk = {1, 1}, .every = 33},
    {"extensible", .ndim = 2, .dim = {200, 30}, .most = {MANY, 30}, .chunk = {1, 10}, .every = 1},
    {"extensible, second", .ndim = 3, .dim = {30, 60, 3}, .most = {30, MANY, 5}, .chunk = {10, 1, 2}, .every = 1},
    {"extensible, third", .ndim = 3, .dim = {3, 4, 90}, .most = {9, 8, MANY}, .chunk = {2, 3, 1}, .every = 1},
    {"extensible, long", .ndim = 1, .dim = {30000}, .most = {MANY}, .chunk = {1}, .every = 997},
    {"tree", .ndim = 2, .dim = {30, 50}, .most = {MANY, MANY}, .chunk = {1, 3}, .every = 1},
    {"tree of three", .ndim = 3, .dim = {6, 50, 7}, .most = {MANY, 80, MANY}, .chunk = {1, 3, 2}, .every = 1},
    {"never written", .ndim = 2, .dim = {30, 50}, .most = {MANY, MANY}, .chunk = {1, 3}},
    {"never written, fixed", .ndim = 2, .dim = {30, 50}, .chunk = {1, 3}},
    {"never written, extensible", .ndim = 2, .dim = {30, 50}, .most = {MANY, 50}, .chunk = {1, 3}},
    {"plain edges", .ndim = 2, .dim = {40, 30}, .chunk = {7, 8}, .every = 1, .plain_edges = true},
    {"empty", .ndim = 2, .dim = {0, 3}, .most = {MANY, 3}, .chunk = {4, 3}, .every = 1},
};

static const struct h5_set implicit_sets[] = {
    {"implicit", .ndim = 2, .dim = {40, 30}, .chunk = {7, 8}, .every = 1, .early = true},
    {"implicit, may grow", .ndim = 2, .dim = {40, 30}, .most = {50, 90}, .chunk = {7, 8}, .every = 1, .early = true},
};

static void put_sets(hid_t file, const struct h5_set *from, size_t count, int filters, bool newest) {
    for (size_t i = 0; i < count; i++) {
        struct h5_set set = from[i];
        set.type = i % 2 == 0 ? H5T_IEEE_F32LE : H5T_STD_I16BE;
        set.filters = filters;
        if (set.plain_edges && !newest) continue;
        H5(H5Dclose(h5_put(file, &set)));
    }
}

TEST(every_index_leads_to_the_chunks_that_hdf5_reads) {
    for (int newest = 0; newest <= 1; newest++)
        for (int filters = 0; filters <= 3; filters++) {
            const char *path = make_path("chunks.h5");
            hid_t file = h5_create(path, (struct h5_new){.newest = newest == 1});
            put_sets(file, sets, sizeof sets / sizeof *sets, filters, newest == 1);
            if (filters == 0) put_sets(file, implicit_sets, 2, 0, newest == 1);
            close_and_compare(file, path, 16, 0, 3900);
        }
}

/* Long enough for blocks of the array that are cut into pages; only the places that were written are looked at. */
TEST(an_extensible_array_with_pages) {
    for (int filters = 0; filters <= 1; filters++) {
        struct h5_set set = {"long", H5T_STD_I32LE, 1, {300000}, {MANY}, {1}, .every = 1999, .filters = filters};
        const char *path = make_path("pages.h5");
        hid_t file = h5_create(path, (struct h5_new){.newest = true}), id = h5_put(file, &set);
        struct e5_probe probe;
        struct e5_h5_link *link;
        struct e5_h5_object object;
        struct e5_chunk *chunk;
        struct h5_both both = {.descriptor = open(path, O_RDONLY)};
        size_t links, count;
        H5Dclose(id);
        H5(H5Fclose(file));
        H5(file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT));
        H5(id = H5Dopen2(file, set.name, H5P_DEFAULT));
        CHECK_OK(e5_probe_file(path, &probe, err));
        CHECK_OK(e5_h5_open(path, &probe, &both.h5, err));
        CHECK_OK(e5_h5_links(both.h5, e5_h5_root(both.h5), &link, &links, err));
        CHECK_OK(e5_h5_object_read(both.h5, link[0].address, &object, err));
        CHECK_OK(e5_h5_chunks(both.h5, &object.data, &chunk, &count, err));
        CHECK(object.data.index == E5_H5_EXTENSIBLE_ARRAY && count == 151);
        for (size_t i = 0; i < count; i++) {
            CHECK(chunk[i].index == i * 1999);
            h5_compare_chunk(&both, &object.data, id, &(hsize_t){chunk[i].index}, &chunk[i]);
        }
        free(chunk);
        e5_h5_object_fini(&object);
        e5_h5_links_free(link, links);
        e5_h5_close(both.h5);
        close(both.descriptor);
        H5Dclose(id);
        H5(H5Fclose(file));
    }
}

TEST(a_variable_that_was_cut_shorter_and_longer_again) {
    for (int newest = 0; newest <= 1; newest++) {
        const char *path = make_path("resized.h5");
        hid_t file = h5_create(path, (struct h5_new){.newest = newest == 1});
        for (int rows = 0; rows < 2; rows++) {
            struct h5_set set = {rows == 0 ? "a" : "b", H5T_STD_I32LE, 2, {40, 30}, {MANY, 30}, {4, 8}, .every = 1};
            if (rows == 1) set.most[1] = MANY;
            hid_t id = h5_put(file, &set);
            H5(H5Dset_extent(id, (hsize_t[]){13, 30}));
            H5(H5Dset_extent(id, (hsize_t[]){21, 30}));
            H5Dclose(id);
        }
        close_and_compare(file, path, 3, 0, 32);
    }
}

/* --- attributes --- */

static const char long_name[] =
    " is a name that goes on and on, with more words than anybody would read, as long as the "
    "longest that a heap of names has to find room for, and then some more of it at the end";

static void put_attributes(hid_t object, hid_t file, const struct h5_new *how) {
    const hid_t types[] = {H5T_IEEE_F64LE, H5T_STD_I32BE, H5T_IEEE_F32BE, H5T_STD_U8LE, H5T_STD_I64LE, H5T_STD_U16BE};
    char name[300];
    for (int i = 0; i < 90; i++) {
        snprintf(name, sizeof name, "%d%.*s", (i * 37) % 90, i * 2, long_name);
        h5_put_numbers(object, name, types[i % 6], (hsize_t)(i % 7));
    }
    for (int i = 0; i < 90; i += 3) {
        snprintf(name, sizeof name, "%d%.*s", (i * 37) % 90, i * 2, long_name);
        if (H5Aexists(object, name) > 0) H5(H5Adelete(object, name));
    }
    h5_put_texts(object, "texts", 12, 500);
    h5_put_text(object, "text", "some words");
    if (how->width == 0) h5_put_references(object, file, "set"); /* HDF5 tells them from others by their width */
    h5_put_numbers(object, "half", H5T_STD_B16LE, 0);
    if (how->newest) h5_put_numbers(object, "huge", H5T_IEEE_F64LE, 30000);
    h5_put_numbers(object, "large", H5T_IEEE_F64LE, 3000);
}

TEST(attributes_in_headers_and_in_heaps) {
    for (int i = 0; i < FORMATS; i++) {
        const char *path = make_path("attributes.h5");
        hid_t file = h5_create(path, formats[i]);
        struct h5_set set = {"set", H5T_STD_I32LE, 1, {3}, .every = 1, .tracked = formats[i].tracked};
        hid_t id = h5_put(file, &set);
        hid_t group = H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        put_attributes(id, file, &formats[i]);
        put_attributes(group, file, &formats[i]);
        for (int k = 0; k < 5; k++) h5_put_numbers(file, (char[]){(char)('z' - k), '\0'}, H5T_IEEE_F64LE, 2);
        H5Dclose(id);
        H5Gclose(group);
        close_and_compare(file, path, 3, 130, 0);
    }
}

TEST(types_with_names) {
    const char *path = make_path("named.h5");
    for (int newest = 0; newest <= 1; newest++) {
        hid_t file = h5_create(path, (struct h5_new){.newest = newest == 1}), type = H5Tcopy(H5T_IEEE_F64BE);
        H5(H5Tcommit2(file, "type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        struct h5_set set = {"set", type, 1, {3}, .every = 1};
        hid_t id = h5_put(file, &set);
        for (int i = 0; i < 12; i++) h5_put_numbers(id, (char[]){(char)('a' + i), '\0'}, type, 3);
        H5Dclose(id);
        H5Tclose(type);
        close_and_compare(file, path, 3, 12, 0);
    }
}

/* --- groups --- */

static void put_group(hid_t file, const char *name, const struct h5_new *how, int count) {
    hid_t made = H5Pcreate(H5P_GROUP_CREATE);
    char child[64];
    if (how->tracked) H5(H5Pset_link_creation_order(made, MAKE_TRACKED));
    hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, made, H5P_DEFAULT);
    for (int i = 0; i < count; i++) {
        snprintf(child, sizeof child, "%d %.*s", i * 617 % count, i % 30, "a name that is as long as it is");
        hid_t inner = H5Gcreate2(group, child, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5(inner);
        H5Gclose(inner);
        if (i % 3 == 1) H5(H5Ldelete(group, child, H5P_DEFAULT));
    }
    H5Gclose(group);
    H5Pclose(made);
}

TEST(links_of_small_and_large_groups) {
    for (int i = 0; i < FORMATS; i++) {
        const char *path = make_path("links.h5");
        hid_t file = h5_create(path, formats[i]);
        put_group(file, "none", &formats[i], 0);
        put_group(file, "few", &formats[i], 5);
        put_group(file, "some", &formats[i], 40);
        put_group(file, "many", &formats[i], 1500);
        H5(H5Lcreate_soft("/few", file, "soft", H5P_DEFAULT, H5P_DEFAULT));
        H5(H5Lcreate_hard(file, "few", file, "again", H5P_DEFAULT, H5P_DEFAULT));
        H5(H5Lcreate_external("other.h5", "/there", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT));
        close_and_compare(file, path, 1000, 0, 0);
    }
}

/* --- other data --- */

static hid_t put_plain(hid_t file, const char *name, hid_t type, hid_t made) {
    hsize_t dim = 5;
    int values[5] = {3, 1, 4, 1, 5};
    hid_t space = H5Screate_simple(1, &dim, NULL);
    hid_t id = H5Dcreate2(file, name, type, space, H5P_DEFAULT, made, H5P_DEFAULT);
    H5(id);
    if (H5Tget_class(type) == H5T_INTEGER || H5Tget_class(type) == H5T_FLOAT)
        H5(H5Dwrite(id, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
    H5Sclose(space);
    return id;
}

static void put_types(hid_t file) {
    hid_t odd = H5Tcopy(H5T_STD_I32LE), pair = H5Tcreate(H5T_COMPOUND, 8), array;
    hid_t number = H5Tenum_create(H5T_STD_I8LE), small = H5Tcopy(H5T_IEEE_F32LE);
    H5(H5Tset_precision(odd, 17));
    H5(H5Tinsert(pair, "a", 0, H5T_STD_I32LE));
    H5(H5Tenum_insert(number, "one", &(int8_t){1}));
    H5(H5Tset_fields(small, 15, 10, 5, 0, 10));
    H5(H5Tset_precision(small, 16));
    H5(H5Tset_size(small, 2));
    H5(array = H5Tarray_create2(H5T_IEEE_F32LE, 1, &(hsize_t){3}));
    const hid_t types[] = {H5T_IEEE_F32BE, H5T_IEEE_F64LE, H5T_STD_U64BE,      odd, pair, number, small, array,
                           H5T_STD_B8LE,   H5T_C_S1,       H5T_STD_REF_DSETREG};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        H5(H5Dclose(put_plain(file, (char[]){(char)('a' + i), '\0'}, types[i], H5P_DEFAULT)));
    H5Tclose(odd), H5Tclose(pair), H5Tclose(number), H5Tclose(small), H5Tclose(array);
}

TEST(types_fills_and_small_data) {
    for (int i = 0; i < FORMATS; i++) {
        const char *path = make_path("plain.h5");
        hid_t file = h5_create(path, formats[i]), made = H5Pcreate(H5P_DATASET_CREATE);
        put_types(file);
        H5(H5Pset_fill_value(made, H5T_NATIVE_INT, &(int){-7}));
        H5(H5Dclose(put_plain(file, "filled", H5T_STD_I16BE, made)));
        H5(H5Dclose(put_plain(file, "filled wide", H5T_IEEE_F64BE, made)));
        H5(H5Pset_fill_value(made, H5T_NATIVE_INT, NULL));
        H5(H5Dclose(put_plain(file, "no fill", H5T_STD_I16BE, made)));
        H5(H5Pset_layout(made, H5D_COMPACT));
        H5(H5Dclose(put_plain(file, "compact", H5T_IEEE_F32LE, made)));
        H5Pclose(made);
        close_and_compare(file, path, 15, 0, 0);
    }
}

TEST(data_in_other_files_are_known_to_be_there) {
    const char *path = make_path("elsewhere.h5");
    hid_t file = h5_create(path, (struct h5_new){.newest = true}), made = H5Pcreate(H5P_DATASET_CREATE);
    H5(H5Pset_external(made, "/nowhere/else", 0, H5F_UNLIMITED));
    hid_t space = H5Screate_simple(1, &(hsize_t){5}, NULL);
    H5(H5Dclose(H5Dcreate2(file, "external", H5T_STD_I32LE, space, H5P_DEFAULT, made, H5P_DEFAULT)));
    H5Pclose(made);
    made = H5Pcreate(H5P_DATASET_CREATE);
    H5(H5Pset_virtual(made, space, "other.h5", "there", space));
    H5(H5Dclose(H5Dcreate2(file, "virtual", H5T_STD_I32LE, space, H5P_DEFAULT, made, H5P_DEFAULT)));
    H5Pclose(made);
    H5Sclose(space);
    close_and_compare(file, path, 3, 0, 0);
}

/* --- what netCDF writes --- */

static void put_nc_attributes(int id, int var, int count) {
    static const char *words[] = {"a", "", "some words", NULL};
    char name[80];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "GRIB_attribute_%d", (i * 37) % count);
        if (i % 3 == 0)
            NC(nc_put_att_text(id, var, name, (size_t)i,
                               "This is a text of some more than eighty characters, "
                               "so that it is long enough for all of the lengths"));
        if (i % 3 == 1) NC(nc_put_att_double(id, var, name, NC_DOUBLE, 2, (double[]){1, i}));
        if (i % 3 == 2) NC(nc_put_att_string(id, var, name, 3, words));
    }
}

TEST(files_as_netcdf_writes_them) {
    const char *path = make_path("netcdf.nc");
    int id, dims[2], var;
    NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id));
    NC(nc_def_dim(id, "time", NC_UNLIMITED, &dims[0]));
    NC(nc_def_dim(id, "x", 40, &dims[1]));
    put_nc_attributes(id, NC_GLOBAL, 100);
    for (int i = 0; i < 40; i++) {
        char name[80];
        float values[200];
        snprintf(name, sizeof name, "variable %d", 40 - i);
        NC(nc_def_var(id, name, i % 2 ? NC_FLOAT : NC_SHORT, 2, dims, &var));
        NC(nc_def_var_chunking(id, var, NC_CHUNKED, (size_t[]){2, 15}));
        if (i % 3) NC(nc_def_var_deflate(id, var, i % 2, 1, 1));
        if (i % 5 == 0) NC(nc_def_var_fletcher32(id, var, NC_FLETCHER32));
        put_nc_attributes(id, var, i);
        for (int k = 0; k < 200; k++) values[k] = (float)(k % 31);
        NC(nc_put_vara_float(id, var, (size_t[]){0, 0}, (size_t[]){5, 40}, values));
    }
    NC(nc_close(id));
    struct h5_both both = h5_compare(path);
    CHECK(both.objects >= 43 && both.attrs > 800 && both.chunks == 360);
}

/* --- what is not known here --- */

TEST(messages_in_a_common_heap_are_left_to_the_library) {
    const char *path = make_path("shared.h5");
    hid_t file = h5_create(path, (struct h5_new){.newest = true, .shared_size = 10});
    struct h5_set set = {"set", H5T_STD_I32LE, 1, {3}, .every = 1};
    struct e5_probe probe;
    struct e5_h5 *h5;
    struct e5_h5_link *link;
    struct e5_h5_object object;
    size_t count;
    hid_t id = h5_put(file, &set);
    h5_put_text(id, "text", "some words that are long enough");
    H5Dclose(id);
    H5(H5Fclose(file));
    CHECK_OK(e5_probe_file(path, &probe, err));
    CHECK_OK(e5_h5_open(path, &probe, &h5, err));
    CHECK_OK(e5_h5_links(h5, e5_h5_root(h5), &link, &count, err));
    CHECK(count == 1 && e5_h5_unknown(h5) == NULL);
    CHECK_STATUS(E5_INPUT, e5_h5_object_read(h5, link[0].address, &object, err));
    CHECK(e5_h5_unknown(h5) != NULL && strncmp(e5_h5_unknown(h5), "it keeps ", 9) == 0);
    e5_h5_links_free(link, count);
    e5_h5_close(h5);
}

int main(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    RUN(every_index_leads_to_the_chunks_that_hdf5_reads);
    RUN(an_extensible_array_with_pages);
    RUN(a_variable_that_was_cut_shorter_and_longer_again);
    RUN(attributes_in_headers_and_in_heaps);
    RUN(types_with_names);
    RUN(links_of_small_and_large_groups);
    RUN(types_fills_and_small_data);
    RUN(data_in_other_files_are_known_to_be_there);
    RUN(files_as_netcdf_writes_them);
    RUN(messages_in_a_common_heap_are_left_to_the_library);
    return check_summary();
}
