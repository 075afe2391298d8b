#include "db/journal_disk.h"

#include <stdatomic.h>
#include <stddef.h>
#ifdef __linux__
#include <sys/statfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

static atomic_ulong pretended;

void e5_disk_pretend(unsigned long type) { atomic_store(&pretended, type); }

static bool is_shared_type(unsigned long type) {
    static const unsigned long shared[] = {
        0x00006969, /* NFS */
        0x0000517B, /* SMB */
        0xFF534D42, /* CIFS */
        0xFE534D42, /* SMB 2 */
        0x0BD00BD0, /* Lustre */
        0x47504653, /* GPFS */
        0x00C36400, /* Ceph */
        0x65735546, /* in user space: sshfs, s3fs, GlusterFS, virtiofs … */
        0x01021997, /* 9p: hosts of virtual machines, WSL */
        0x19830326, /* BeeGFS */
        0xAAD7AAEA, /* PanFS */
        0x20030528, /* OrangeFS */
        0x01161970, /* GFS2 */
        0x7461636F, /* OCFS2 */
        0x5346414F, /* AFS */
        0x6B414653, /* AFS of the kernel */
        0x73757245, /* Coda */
        0x786F4256, /* folders shared by VirtualBox */
    };
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if ((type & 0xFFFFFFFF) == shared[i]) return true;
    return false;
}

static bool is_shared(bool known, const struct statfs *info) {
    unsigned long type = atomic_load(&pretended);
    if (type != 0) return is_shared_type(type);
    if (!known) return true;
#ifdef __linux__
    return is_shared_type((unsigned long)info->f_type);
#else
    return (info->f_flags & MNT_LOCAL) == 0;
#endif
}

bool e5_disk_is_shared(const char *path) {
    struct statfs info;
    bool known = statfs(path, &info) == 0;
    return is_shared(known, &info);
}

bool e5_disk_is_shared_by(int fd) {
    struct statfs info;
    bool known = fstatfs(fd, &info) == 0;
    return is_shared(known, &info);
}
