/* folder: a directory for one test, removed with what is in it.  One level deep. */
#ifndef FOLDER_H
#define FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static inline void folder_make(void) {
    snprintf(folder, sizeof folder, "/tmp/era5fast-test-XXXXXX");
    if (mkdtemp(folder) == NULL) abort();
}

static inline const char *folder_path(const char *name) {
    static char paths[8][400];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void folder_write(const char *name, const void *bytes, size_t size) {
    FILE *file = fopen(folder_path(name), "wb");
    fwrite(bytes, 1, size, file);
    fclose(file);
}

/* Bytes of a file, or −1; up to `size` of them in out. */
static inline long folder_read(const char *name, void *out, size_t size) {
    FILE *file = fopen(folder_path(name), "rb");
    if (file == NULL) return -1;
    long got = (long)fread(out, 1, size, file);
    fclose(file);
    return got;
}

/* Entries, "." and ".." not counted. */
static inline int folder_count(void) {
    int count = -2;
    DIR *directory = opendir(folder);
    while (readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

static inline void folder_remove(void) {
    struct dirent *entry;
    DIR *directory = opendir(folder);
    while ((entry = readdir(directory)) != NULL)
        if (unlink(folder_path(entry->d_name)) != 0) rmdir(folder_path(entry->d_name));
    closedir(directory);
    rmdir(folder);
}

#endif
