#include "net/structure.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum form { UNKNOWN, HDF5, NETCDF3, GRIB, ZIP, PAGE, TEXT };

static const char *const form_names[] = {[UNKNOWN] = "something unknown",
                                         [HDF5] = "netCDF-4",
                                         [NETCDF3] = "netCDF",
                                         [GRIB] = "GRIB",
                                         [ZIP] = "zip",
                                         [PAGE] = "HTML",
                                         [TEXT] = "text"};

static bool begins(const char *bytes, size_t size, const char *with, size_t length) {
    return size >= length && memcmp(bytes, with, length) == 0;
}

static enum form text_form(const char *bytes, size_t size) {
    size_t at = 0;
    while (at < size && strchr(" \t\r\n\xEF\xBB\xBF", bytes[at]) != NULL && bytes[at] != '\0') at++;
    if (at == size) return UNKNOWN;
    if (size - at >= 5 && bytes[at] == '<') return PAGE;
    for (size_t i = at; i < size; i++)
        if ((unsigned char)bytes[i] < 0x20 && strchr("\t\r\n", bytes[i]) == NULL) return UNKNOWN;
    return memchr(bytes, '\0', size) == NULL ? TEXT : UNKNOWN;
}

static enum form form_of(const char *bytes, size_t size) {
    if (begins(bytes, size, "\x89HDF\r\n\x1a\n", 8)) return HDF5;
    if (begins(bytes, size, "CDF", 3) && size > 3 && strchr("\1\2\5", bytes[3]) != NULL && bytes[3] != '\0')
        return NETCDF3;
    if (begins(bytes, size, "GRIB", 4)) return GRIB;
    if (begins(bytes, size, "PK\3\4", 4) || begins(bytes, size, "PK\5\6", 4)) return ZIP;
    return text_form(bytes, size);
}

/* A zip may come where netCDF or GRIB was asked for; the reader deals with that. */
static bool allowed(enum form form, const char *media_type) {
    bool any_data = form == HDF5 || form == NETCDF3 || form == GRIB || form == ZIP;
    if (strcasestr(media_type, "netcdf") != NULL) return form == HDF5 || form == NETCDF3 || form == ZIP;
    if (strcasestr(media_type, "grib") != NULL) return form == GRIB || form == ZIP;
    if (strcasestr(media_type, "application/zip") != NULL) return any_data;
    if (e5_text_starts(media_type, "text/")) return form != PAGE || strcasestr(media_type, "html") != NULL;
    return form != PAGE;
}

static const char *wanted_name(const char *media_type) {
    if (strcasestr(media_type, "netcdf") != NULL) return "netCDF";
    if (strcasestr(media_type, "grib") != NULL) return "GRIB";
    return strcasestr(media_type, "application/zip") != NULL ? "zip" : "data";
}

static enum e5_status refuse(const char *bytes, size_t size, enum form form, const char *media_type,
                             struct e5_error *err) {
    char shown[81];
    enum e5_status status;
    snprintf(shown, sizeof shown, "%.*s", (int)(size < 80 ? size : 80), bytes);
    if (form == PAGE || form == TEXT)
        status =
            e5_fail(err, E5_CORRUPT, "expected %s, got %s: '%s'", wanted_name(media_type), form_names[form], shown);
    else
        status = e5_fail(err, E5_CORRUPT, "expected %s, got %s", wanted_name(media_type), form_names[form]);
    if (form == PAGE || form == TEXT)
        e5_error_hint(err, "a proxy or a login portal on the way may have answered instead of the service");
    return status;
}

enum e5_status e5_structure_check_head(const char *bytes, size_t size, const char *media_type, struct e5_error *err) {
    enum form form = form_of(bytes, size);
    return allowed(form, media_type) ? E5_OK : refuse(bytes, size, form, media_type, err);
}

static uint64_t little_endian(const unsigned char *p, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;) value = value << 8 | p[i];
    return value;
}

/* The superblock names the end of the file; versions 0 and 1 keep it behind more fields than 2 and 3 do. */
static bool hdf5_whole(const unsigned char *head, size_t got, int64_t size) {
    if (got < 64) return false;
    unsigned version = head[8];
    size_t width = version < 2 ? head[13] : head[9];
    size_t at = version == 0 ? 24 : version == 1 ? 28 : 12;
    if (version > 3 || (width != 4 && width != 8)) return false;
    return little_endian(head + at + 2 * width, width) <= (uint64_t)size;
}

static bool tail_is(int fd, int64_t size, const char *mark) {
    char tail[4];
    return size >= 8 && pread(fd, tail, sizeof tail, size - 4) == 4 && memcmp(tail, mark, 4) == 0;
}

/* The end-of-central-directory record, with at most 64 KiB of comment behind it. */
static bool zip_whole(int fd, int64_t size) {
    char block[4096 + 3];
    int64_t lowest = size > 65557 ? size - 65557 : 0;
    for (int64_t end = size; end > lowest;) {
        int64_t start = end - 4096 > lowest ? end - 4096 : lowest;
        size_t want = (size_t)(end - start + (end + 3 <= size ? 3 : 0));
        ssize_t got = pread(fd, block, want, start);
        if (got != (ssize_t)want) return false;
        if (memmem(block, want, "PK\5\6", 4) != NULL) return true;
        end = start;
    }
    return false;
}

static bool end_is_whole(int fd, enum form form, const char *head, size_t got, int64_t size) {
    switch (form) {
    case HDF5: return hdf5_whole((const unsigned char *)head, got, size);
    case NETCDF3: return size >= 32; /* the empty file of the classic format */
    case GRIB: return tail_is(fd, size, "7777");
    case ZIP: return zip_whole(fd, size);
    default: return true;
    }
}

enum e5_status e5_structure_check(int fd, const char *path, const char *media_type, struct e5_error *err) {
    char head[E5_STRUCTURE_HEAD];
    struct stat info;
    ssize_t got = pread(fd, head, sizeof head, 0);
    if (got < 0 || fstat(fd, &info) != 0) return e5_fail_errno(err, errno, path, "cannot read");
    enum e5_status status = e5_structure_check_head(head, (size_t)got, media_type, err);
    if (status != E5_OK) return status;
    enum form form = form_of(head, (size_t)got);
    if (end_is_whole(fd, form, head, (size_t)got, info.st_size)) return E5_OK;
    return e5_fail(err, E5_CORRUPT, "the %s file is not whole: its end is missing", form_names[form]);
}
