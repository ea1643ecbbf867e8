/* A disk that hangs, is slow, is full, or forgets: stands between one process and the C library.
 *
 * Only files in the process's data folder are concerned, and only while the control page says so;
 * otherwise a call costs one load. What a process does without the C library's functions (system calls
 * of its own, io_uring, writes through a mapping, copy_file_range) is not seen.
 *
 * Environment: DOUBLE_TROUBLE_DISK_CONTROL and DOUBLE_TROUBLE_DISK_JOURNAL name the two files of
 * control.h, DOUBLE_TROUBLE_DISK_DATA the folder, as an absolute path without links. Without them the
 * library does nothing. It must never end or change the process that it is in: whatever fails here
 * is told to the harness in the page. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "real.h"

/* How often a flush that is held looks whether it may go on. */
enum { LOOK_EVERY_NS = 1000 * 1000 };

struct control *control;
static char data_folder[PATH_MAX];
static size_t data_length;

__attribute__((constructor)) static void load(void)
{
    const char *page = getenv("DOUBLE_TROUBLE_DISK_CONTROL");
    const char *journal = getenv("DOUBLE_TROUBLE_DISK_JOURNAL");
    const char *folder = getenv("DOUBLE_TROUBLE_DISK_DATA");
    if (!page || !journal || !folder || strlen(folder) >= sizeof data_folder)
        return;
    int fd = REAL(open64)(page, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    REAL(close)(fd);
    if (mapped == MAP_FAILED)
        return;
    data_length = strlen(folder);
    memcpy(data_folder, folder, data_length + 1);
    control = mapped;
    journal_open(journal);
    atomic_store(&control->held, 0);
    atomic_store(&control->version, CONTROL_VERSION);
    atomic_store(&control->pid, (uint64_t)getpid());
}

static int is_data(const char *path)
{
    return !strncmp(path, data_folder, data_length) && (path[data_length] == '/' || !path[data_length]);
}

int data_path_of(int fd, char *path)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_data(path);
}

int data_path_at(int dirfd, const char *name, char *path)
{
    char whole[PATH_MAX];
    int length = dirfd == AT_FDCWD || *name == '/'
                     ? snprintf(whole, sizeof whole, "%s", name)
                     : snprintf(whole, sizeof whole, "/proc/self/fd/%d/%s", dirfd, name);
    if (length < 0 || (size_t)length >= sizeof whole)
        return 0;
    char *slash = strrchr(whole, '/');
    const char *last = slash ? slash + 1 : whole;
    char base[NAME_MAX + 1], folder[PATH_MAX];
    if (strlen(last) > NAME_MAX)
        return 0;
    strcpy(base, last);
    if (slash)
        slash[slash == whole] = 0;
    if (!realpath(slash ? whole : ".", folder))
        return 0;
    length = snprintf(path, PATH_MAX, "%s/%s", folder, base);
    return length > 0 && length < PATH_MAX && is_data(path);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void wait_a_moment(void)
{
    struct timespec moment = {0, LOOK_EVERY_NS};
    nanosleep(&moment, NULL);
}

/* Holds a flush of a data file for as long as the disk stalls, or as much longer as it is slow. */
static void hold(void)
{
    atomic_fetch_add(&control->held, 1);
    if (is_on(MODE_SLOW)) {
        atomic_fetch_add(&control->slowed, 1);
        uint64_t until = now_us() + atomic_load(&control->slow_by_us);
        while (is_on(MODE_SLOW) && now_us() < until)
            wait_a_moment();
    }
    if (is_on(MODE_STALL)) {
        atomic_fetch_add(&control->stalled, 1);
        while (is_on(MODE_STALL))
            wait_a_moment();
    }
    atomic_fetch_sub(&control->held, 1);
}

static void before_flush(int fd)
{
    if (!is_on(MODE_STALL | MODE_SLOW))
        return;
    int error = errno;
    char path[PATH_MAX];
    if (data_path_of(fd, path))
        hold();
    errno = error;
}

/* Whether a write of a data file is refused, with errno set. */
static int is_full(int fd)
{
    if (!is_on(MODE_FULL))
        return 0;
    int error = errno;
    struct stat64 state;
    char path[PATH_MAX];
    if (fstat64(fd, &state) || !S_ISREG(state.st_mode) || !data_path_of(fd, path)) {
        errno = error;
        return 0;
    }
    atomic_fetch_add(&control->refused, 1);
    errno = ENOSPC;
    return 1;
}

/* --- Flushes --- */

int fsync(int fd)
{
    before_flush(fd);
    uint64_t position = journal_position();
    int result = REAL(fsync)(fd);
    if (!result)
        journal_flushed(fd, position);
    return result;
}

int fdatasync(int fd)
{
    before_flush(fd);
    uint64_t position = journal_position();
    int result = REAL(fdatasync)(fd);
    if (!result)
        journal_flushed(fd, position);
    return result;
}

/* Makes nothing durable (sync_file_range(2)): it is held like a flush, and covers nothing. */
int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags)
{
    before_flush(fd);
    return REAL(sync_file_range)(fd, offset, count, flags);
}

/* Whether a mapping of a data file begins at or before this address and reaches it. */
static int maps_data(const void *address)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps)
        return 0;
    char line[PATH_MAX + 128];
    int found = 0;
    while (!found && fgets(line, sizeof line, maps)) {
        unsigned long begin, end;
        int path = 0;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &begin, &end, &path) >= 2 && path > 0)
            found = (unsigned long)address >= begin && (unsigned long)address < end && is_data(line + path);
    }
    fclose(maps);
    return found;
}

int msync(void *address, size_t length, int flags)
{
    int error = errno;
    if ((flags & MS_SYNC) && is_on(MODE_STALL | MODE_SLOW) && maps_data(address))
        hold();
    errno = error;
    return REAL(msync)(address, length, flags);
}

/* --- Writes --- */

static uint64_t total(const struct iovec *parts, int count)
{
    uint64_t length = 0;
    for (int part = 0; part < count; part++)
        length += parts[part].iov_len;
    return length;
}

ssize_t write(int fd, const void *data, size_t length)
{
    if (is_full(fd))
        return -1;
    journal_append(fd, length);
    return REAL(write)(fd, data, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (is_full(fd))
        return -1;
    if (is_on(MODE_JOURNAL))
        journal_append(fd, total(parts, count));
    return REAL(writev)(fd, parts, count);
}

#define POSITIONED(name, offset_type)                                         \
    ssize_t name(int fd, const void *data, size_t length, offset_type offset) \
    {                                                                         \
        if (is_full(fd))                                                      \
            return -1;                                                        \
        journal_write(fd, offset, length);                                    \
        return REAL(name)(fd, data, length, offset);                          \
    }
POSITIONED(pwrite, off_t)
POSITIONED(pwrite64, off64_t)

#define POSITIONED_PARTS(name, offset_type)                                            \
    ssize_t name(int fd, const struct iovec *parts, int count, offset_type offset)     \
    {                                                                                  \
        if (is_full(fd))                                                               \
            return -1;                                                                 \
        if (is_on(MODE_JOURNAL))                                                       \
            journal_write(fd, offset, total(parts, count));                            \
        return REAL(name)(fd, parts, count, offset);                                   \
    }
POSITIONED_PARTS(pwritev, off_t)
POSITIONED_PARTS(pwritev64, off64_t)

#define ALLOCATES(name, offset_type, refused, arguments, values)              \
    int name arguments                                                        \
    {                                                                         \
        if (is_full(fd))                                                      \
            return refused;                                                   \
        journal_write(fd, offset, 0);                                         \
        return REAL(name) values;                                             \
    }
ALLOCATES(fallocate, off_t, -1, (int fd, int mode, off_t offset, off_t length), (fd, mode, offset, length))
ALLOCATES(fallocate64, off64_t, -1, (int fd, int mode, off64_t offset, off64_t length), (fd, mode, offset, length))
ALLOCATES(posix_fallocate, off_t, ENOSPC, (int fd, off_t offset, off_t length), (fd, offset, length))
ALLOCATES(posix_fallocate64, off64_t, ENOSPC, (int fd, off64_t offset, off64_t length), (fd, offset, length))

int ftruncate(int fd, off_t size)
{
    journal_truncate(fd, size);
    return REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    journal_truncate(fd, size);
    return REAL(ftruncate64)(fd, size);
}

/* --- Names --- */

typedef int opener(int dirfd, const char *name, int flags, mode_t mode);

/* Opens a file as `real` does, and keeps what opening it takes away or makes. */
static int open_journaled(opener *real, int dirfd, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    int changes = is_on(MODE_JOURNAL) && (flags & (O_CREAT | O_TRUNC)) && (flags & O_TMPFILE) != O_TMPFILE;
    int error = errno;
    if (!changes || !data_path_at(dirfd, name, path)) {
        errno = error;
        return real(dirfd, name, flags, mode);
    }
    struct stat64 before;
    int existed = !fstatat64(dirfd, name, &before, 0);
    errno = error;
    /* What the file held must be kept before it is cut off. */
    int cuts = existed && (flags & O_TRUNC) && (flags & O_ACCMODE) != O_RDONLY && !(flags & O_EXCL);
    int fd = real(dirfd, name, cuts ? flags & ~O_TRUNC : flags, mode);
    if (fd >= 0 && !existed)
        journal_create(path);
    if (fd >= 0 && cuts && ftruncate64(fd, 0)) {
        error = errno;
        REAL(close)(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int real_openat(int dirfd, const char *name, int flags, mode_t mode)
{
    return REAL(openat)(dirfd, name, flags, mode);
}

static int real_openat64(int dirfd, const char *name, int flags, mode_t mode)
{
    return REAL(openat64)(dirfd, name, flags, mode);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

#define OPENS(name, real)                                                     \
    int name(const char *path, int flags, ...)                                \
    {                                                                         \
        va_list arguments;                                                    \
        va_start(arguments, flags);                                           \
        mode_t mode = mode_of(flags, arguments);                              \
        va_end(arguments);                                                    \
        return open_journaled(real, AT_FDCWD, path, flags, mode);             \
    }
OPENS(open, real_openat)
OPENS(open64, real_openat64)

#define OPENS_AT(name, real)                                                  \
    int name(int dirfd, const char *path, int flags, ...)                     \
    {                                                                         \
        va_list arguments;                                                    \
        va_start(arguments, flags);                                           \
        mode_t mode = mode_of(flags, arguments);                              \
        va_end(arguments);                                                    \
        return open_journaled(real, dirfd, path, flags, mode);                \
    }
OPENS_AT(openat, real_openat)
OPENS_AT(openat64, real_openat64)

int creat(const char *path, mode_t mode)
{
    return open_journaled(real_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
    return open_journaled(real_openat64, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* A rename to a name that is not there yet can be taken back; one over another file is taken to last. */
static int rename_journaled(int olddirfd, const char *old, int newdirfd, const char *new, unsigned flags)
{
    int error = errno;
    char from[PATH_MAX], to[PATH_MAX];
    struct stat64 before;
    int is_ours = is_on(MODE_JOURNAL) && data_path_at(olddirfd, old, from) && data_path_at(newdirfd, new, to);
    int existed = is_ours && !fstatat64(newdirfd, new, &before, AT_SYMLINK_NOFOLLOW);
    errno = error;
    int result = flags ? REAL(renameat2)(olddirfd, old, newdirfd, new, flags)
                       : REAL(renameat)(olddirfd, old, newdirfd, new);
    if (!result && is_ours && !flags) {
        if (existed)
            journal_unlink(to);
        journal_rename(from, to, !existed);
    }
    return result;
}

int rename(const char *old, const char *new)
{
    return rename_journaled(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int renameat(int olddirfd, const char *old, int newdirfd, const char *new)
{
    return rename_journaled(olddirfd, old, newdirfd, new, 0);
}

int renameat2(int olddirfd, const char *old, int newdirfd, const char *new, unsigned flags)
{
    return rename_journaled(olddirfd, old, newdirfd, new, flags);
}

int unlinkat(int dirfd, const char *name, int flags)
{
    int error = errno;
    char path[PATH_MAX];
    int is_ours = is_on(MODE_JOURNAL) && !(flags & AT_REMOVEDIR) && data_path_at(dirfd, name, path);
    errno = error;
    int result = REAL(unlinkat)(dirfd, name, flags);
    if (!result && is_ours)
        journal_unlink(path);
    return result;
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}
