#include "db/journal_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.h"

#define FOREIGN 600.0 /* seconds for which a holder on another computer counts as alive */

/* Text of a small file without the line's end; "" where it cannot be read. */
static void read_line(const char *path, char *out, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, out, size - 1) : -1;
    if (fd >= 0) close(fd);
    out[got > 0 ? got : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static void name_of_host(char *out, size_t size) {
    struct utsname name;
    char space[48];
    ssize_t got = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[got > 0 ? got : 0] = '\0';
    if (uname(&name) != 0) name.nodename[0] = '\0';
    snprintf(out, size, "%.64s %s", name.nodename, space);
}

/* When a process was born, and whether it is but the remains of one; "" where nobody tells. */
static void birth_of(int64_t pid, char *out, size_t size, bool *dead) {
    char path[64], text[1024], boot[64], ticks[24] = "", state = '?';
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    read_line(path, text, sizeof text);
    const char *rest = strrchr(text, ')'); /* the name before it may hold anything */
    int fields = rest == NULL ? 0
                              : sscanf(rest + 1,
                                       " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                                       "%23[0-9]",
                                       &state, ticks);
    *dead = state == 'Z' || state == 'X';
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    snprintf(out, size, "%s%s%s", fields == 2 ? boot : "", fields == 2 ? " " : "", ticks);
}

void e5_holder_self(struct e5_holder *out) {
    bool dead;
    name_of_host(out->host, sizeof out->host);
    out->pid = getpid();
    birth_of(out->pid, out->born, sizeof out->born, &dead);
}

bool e5_holder_alive(const struct e5_holder *holder, double since, double now) {
    char host[sizeof holder->host], born[sizeof holder->born];
    bool dead;
    if (holder->pid <= 0) return false;
    name_of_host(host, sizeof host);
    if (strcmp(host, holder->host) != 0) return fabs(now - since) < FOREIGN;
    if (kill((pid_t)holder->pid, 0) != 0 && errno == ESRCH) return false;
    birth_of(holder->pid, born, sizeof born, &dead);
    return !dead && (born[0] == '\0' || holder->born[0] == '\0' || strcmp(born, holder->born) == 0);
}
