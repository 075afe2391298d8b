/* archive_files: the members of an archive as files of one directory.
 *
 * A sink for archive.h: the n-th member becomes a new file whose name is a number and the last part of the member's
 * own, cleaned, so that no name can lead anywhere, hide or clash.  Space is reserved where the size is known.  The
 * maker owns the list (_fini), keeps the directory's descriptor open, and removes the files; nothing is synced.  One
 * thread at a time; blocks on the disk. */
#ifndef E5_IO_ARCHIVE_FILES_H
#define E5_IO_ARCHIVE_FILES_H

#include "base/watch.h"
#include "io/archive.h"

#define E5_ARCHIVE_NAME_SIZE 128

struct e5_archive_file {
    char name[E5_ARCHIVE_NAME_SIZE];     /* last part of the member's name, cleaned */
    char path[E5_ARCHIVE_NAME_SIZE + 8]; /* in the directory */
    int64_t size;
};

struct e5_archive_files {
    int directory;      /* borrowed */
    const char *target; /* for messages; borrowed */
    int fd;             /* of the member under way, −1: none */
    struct e5_archive_file *file;
    size_t count, capacity;
};

void e5_archive_files_init(struct e5_archive_files *files, int directory, const char *target);
struct e5_archive_sink e5_archive_files_sink(struct e5_archive_files *files);
void e5_archive_files_fini(struct e5_archive_files *files);
/* Unpack a whole archive at once; what a failure leaves in the directory is the caller's to remove. */
E5_MUST_USE enum e5_status e5_archive_files_unpack(struct e5_archive_files *files, const char *path,
                                                   struct e5_watch *watch, struct e5_error *err);
/* A directory of such files, and whatever else lies flat in it, is removed; nothing is done where it is not there. */
void e5_archive_files_remove(int parent, const char *directory);

#endif
