#include "net/structure.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

#define NETCDF "application/netcdf"

static enum e5_status check_bytes(const void *bytes, size_t size, const char *media_type) {
    FILE *file = tmpfile();
    fwrite(bytes, 1, size, file);
    fflush(file);
    enum e5_status status = e5_structure_check(fileno(file), "x", media_type, NULL);
    fclose(file);
    return status;
}

static void make_hdf5(unsigned char *bytes, unsigned version, uint64_t end) {
    size_t at = version == 0 ? 40 : version == 1 ? 44 : 28;
    memset(bytes, 0, 128);
    memcpy(bytes, "\x89HDF\r\n\x1a\n", 8);
    bytes[8] = (unsigned char)version;
    bytes[version < 2 ? 13 : 9] = 8;
    for (int i = 0; i < 8; i++) bytes[at + (size_t)i] = (unsigned char)(end >> (8 * i));
}

TEST(hdf5_must_reach_the_end_it_names) {
    unsigned char bytes[128];
    for (unsigned version = 0; version < 4; version++) {
        make_hdf5(bytes, version, 128);
        CHECK(check_bytes(bytes, 128, NETCDF) == E5_OK);
        CHECK(check_bytes(bytes, 127, NETCDF) == E5_CORRUPT);
    }
    make_hdf5(bytes, 4, 128);
    CHECK(check_bytes(bytes, 128, NETCDF) == E5_CORRUPT);
}

TEST(classic_netcdf_needs_a_header) {
    char bytes[32] = "CDF\1";
    CHECK(check_bytes(bytes, 32, NETCDF) == E5_OK);
    CHECK(check_bytes(bytes, 12, NETCDF) == E5_CORRUPT);
    bytes[3] = 9;
    CHECK(check_bytes(bytes, 32, NETCDF) == E5_CORRUPT);
}

TEST(grib_ends_with_four_sevens) {
    CHECK(check_bytes("GRIB....7777", 12, "application/x-grib") == E5_OK);
    CHECK(check_bytes("GRIB....777", 11, "application/x-grib") == E5_CORRUPT);
    CHECK(check_bytes("GRIB....7777", 12, NETCDF) == E5_CORRUPT);
}

TEST(zip_has_a_directory_at_its_end) {
    size_t size = 70000;
    char *bytes = calloc(size, 1);
    memcpy(bytes, "PK\3\4", 4);
    CHECK(check_bytes(bytes, size, NETCDF) == E5_CORRUPT);
    memcpy(bytes + 10000, "PK\5\6", 4); /* a long comment behind it */
    CHECK(check_bytes(bytes, size, NETCDF) == E5_OK);
    memset(bytes + 10000, 0, 4);
    for (size_t at = size - 8197; at < size - 8187; at++) { /* also across the blocks it is looked for in */
        memcpy(bytes + at, "PK\5\6", 4);
        CHECK(check_bytes(bytes, size, "application/zip") == E5_OK);
        memset(bytes + at, 0, 4);
    }
    free(bytes);
}

TEST(pages_are_no_data) {
    static const char page[] = "\xEF\xBB\xBF \r\n<!DOCTYPE html><html><body>Log in</body></html>";
    static const char *const types[] = {NETCDF, "application/x-grib", "application/zip", "application/octet-stream",
                                        ""};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct e5_error err = E5_ERROR_NONE;
        CHECK(e5_structure_check_head(page, sizeof page - 1, types[i], &err) == E5_CORRUPT);
        CHECK(strstr(err.what, "got HTML") != NULL && strstr(err.what, "Log in") != NULL && err.hint[0] != '\0');
    }
    CHECK_STATUS(E5_CORRUPT, e5_structure_check_head("{\"detail\": \"no\"}", 16, NETCDF, err));
    CHECK_OK(e5_structure_check_head("time,t2m\n1,2\n", 13, "text/csv", err));
    CHECK_OK(e5_structure_check_head("\1\2\3\4", 4, "application/octet-stream", err));
    CHECK_STATUS(E5_CORRUPT, e5_structure_check_head("\1\2\3\4", 4, NETCDF, err));
}

int main(void) {
    RUN(hdf5_must_reach_the_end_it_names);
    RUN(classic_netcdf_needs_a_header);
    RUN(grib_ends_with_four_sevens);
    RUN(zip_has_a_directory_at_its_end);
    RUN(pages_are_no_data);
    return check_summary();
}
