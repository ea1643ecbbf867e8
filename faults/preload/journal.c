/* What was written and not flushed, so that a power cut can take it back.
 *
 * Before a block of a data file is changed for the first time since the file's last flush, what it
 * held is appended to the journal, which belongs to the harness and outlives this process. After a
 * flush a record says up to where in the journal this file's records no longer matter. The harness
 * undoes the others once the process is dead (`faults/src/disk/journal.rs` reads this format).
 *
 * Names are undone as POSIX promises them: a file that was made, or renamed to a name that was not
 * there, is as it was before unless its folder was flushed since. A name that was removed, or renamed over, is taken
 * to be on disk at once. Writes through a mapping are not seen.
 *
 * Invariant: what a write or a truncation takes away is in the journal before it is done, and
 * `journal_end` is moved once a record is complete. So a process that is killed anywhere leaves a
 * journal that is whole. (A write that another thread does during a flush of the same file may count
 * as flushed, and a name that is made in the moment of the kill as on disk.) */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "real.h"

enum { BLOCK = 4096, MAX_FILES = 256, MAX_NAMES = 256 };
/* Above this much the journal is begun anew as soon as nothing in it could be needed. */
static const uint64_t BEGIN_ANEW_BYTES = 4 << 20;

/* What follows a header: `length` bytes. `file` numbers files within one life of a process. */
enum kind {
    RECORD_FILE = 1,     /* data: the path that `file` stands for from here on */
    RECORD_DIRTY = 2,    /* value: the size that the file had when all of it was on disk */
    RECORD_BLOCK = 3,    /* value: an offset; data: what was there */
    RECORD_FLUSHED = 4,  /* value: this file's records before this position no longer matter */
    RECORD_CREATED = 5,  /* data: a path */
    RECORD_RENAMED = 6,  /* value: whether it can be undone; data: two paths with a 0 between them */
    RECORD_UNLINKED = 7, /* data: a path */
    RECORD_SYNCED = 8,   /* value: names in this folder before this position are on disk; data: its path */
};

struct header {
    uint32_t kind;
    uint32_t file;
    uint64_t value;
    uint64_t length;
};

struct file {
    dev_t dev;
    ino_t ino;
    char *path;
    int is_dirty;
    uint64_t flushed_size;
    /* A bit per block: whether what was flushed of it is in the journal. */
    unsigned char *saved;
    uint64_t saved_blocks;
    /* Where its last record is, and whether that came during its last flush, so that it still matters. */
    uint64_t last_at;
    int has_late;
};

/* A name that is not on disk yet: a record to be kept when the journal is begun anew. */
struct name {
    enum kind kind;
    uint64_t value;
    char *data;
    uint64_t length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;
static struct file files[MAX_FILES];
static uint32_t file_count;
static struct name names[MAX_NAMES];
static uint32_t name_count;

static void fail(int error)
{
    atomic_store(&control->journal_error, error ? (uint64_t)error : EIO);
}

static int put(const void *data, uint64_t length, uint64_t at)
{
    while (length > 0) {
        ssize_t written = REAL(pwrite64)(journal, data, length, (off64_t)at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        data = (const char *)data + written;
        at += (uint64_t)written;
        length -= (uint64_t)written;
    }
    return 0;
}

static void record(enum kind kind, uint32_t file, uint64_t value, const void *data, uint64_t length)
{
    struct header header = {kind, file, value, length};
    uint64_t at = atomic_load(&control->journal_end);
    if (put(&header, sizeof header, at) || put(data, length, at + sizeof header))
        return fail(errno);
    if (kind == RECORD_DIRTY || kind == RECORD_BLOCK)
        files[file].last_at = at;
    atomic_store_explicit(&control->journal_end, at + sizeof header + length, memory_order_release);
}

static void record_file(uint32_t index)
{
    record(RECORD_FILE, index, 0, files[index].path, strlen(files[index].path));
}

/* The file behind a descriptor, if it is one of data; -1 otherwise. Leaves its state in `state`. */
static int64_t find(int fd, struct stat64 *state)
{
    if (fstat64(fd, state) || !S_ISREG(state->st_mode))
        return -1;
    for (uint32_t index = 0; index < file_count; index++)
        if (files[index].ino == state->st_ino && files[index].dev == state->st_dev && files[index].path)
            return index;
    char path[PATH_MAX];
    if (!data_path_of(fd, path))
        return -1;
    uint32_t index = 0;
    while (index < file_count && files[index].path)
        index++;
    if (index == MAX_FILES) {
        fail(ENFILE);
        return -1;
    }
    char *copy = strdup(path);
    if (!copy) {
        fail(ENOMEM);
        return -1;
    }
    files[index] = (struct file){.dev = state->st_dev, .ino = state->st_ino, .path = copy};
    if (index == file_count)
        file_count++;
    record_file(index);
    return index;
}

static void dirty(uint32_t index, uint64_t size)
{
    struct file *file = &files[index];
    if (file->is_dirty)
        return;
    file->is_dirty = 1;
    file->flushed_size = size;
    record(RECORD_DIRTY, index, size, "", 0);
}

static ssize_t read_block(int fd, char *block, uint64_t length, uint64_t offset)
{
    ssize_t got = pread64(fd, block, length, (off64_t)offset);
    if (got >= 0 || errno != EBADF)
        return got;
    /* Open for writing only. */
    char self[32];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int readable = REAL(open64)(self, O_RDONLY | O_CLOEXEC);
    if (readable < 0)
        return -1;
    got = pread64(readable, block, length, (off64_t)offset);
    REAL(close)(readable);
    return got;
}

/* Keeps what was flushed of the bytes from `begin` to `end`. */
static void save(uint32_t index, int fd, uint64_t begin, uint64_t end)
{
    struct file *file = &files[index];
    if (end > file->flushed_size)
        end = file->flushed_size;
    if (begin >= end)
        return;
    uint64_t blocks = (file->flushed_size + BLOCK - 1) / BLOCK;
    if (!file->saved && !(file->saved = calloc(blocks / 8 + 1, 1)))
        return fail(ENOMEM);
    for (uint64_t number = begin / BLOCK; number * BLOCK < end; number++) {
        if (file->saved[number / 8] & (1 << number % 8))
            continue;
        char block[BLOCK];
        uint64_t offset = number * BLOCK;
        uint64_t length = file->flushed_size - offset < BLOCK ? file->flushed_size - offset : BLOCK;
        ssize_t got = read_block(fd, block, length, offset);
        if (got < 0)
            return fail(errno);
        record(RECORD_BLOCK, index, offset, block, (uint64_t)got);
        file->saved[number / 8] |= (unsigned char)(1 << number % 8);
        file->saved_blocks++;
    }
}

static void clean(struct file *file)
{
    free(file->saved);
    file->saved = NULL;
    file->saved_blocks = 0;
    file->is_dirty = 0;
}

static void keep_name(enum kind kind, uint64_t value, const char *data, uint64_t length)
{
    record(kind, 0, value, data, length);
    char *copy = name_count < MAX_NAMES ? malloc(length) : NULL;
    if (!copy)
        return fail(ENOMEM);
    names[name_count++] = (struct name){kind, value, memcpy(copy, data, length), length};
}

/* Begins the journal anew if it is long and no flushed content is in it that could still be needed. */
static void begin_anew(void)
{
    uint64_t old = atomic_load(&control->journal_begin), begin = atomic_load(&control->journal_end);
    if (begin - old < BEGIN_ANEW_BYTES)
        return;
    for (uint32_t index = 0; index < file_count; index++)
        if (files[index].saved_blocks > 0 || files[index].has_late)
            return;
    for (uint32_t index = 0; index < file_count; index++) {
        if (!files[index].path)
            continue;
        record_file(index);
        if (files[index].is_dirty)
            record(RECORD_DIRTY, index, files[index].flushed_size, "", 0);
    }
    for (uint32_t index = 0; index < name_count; index++)
        record(names[index].kind, 0, names[index].value, names[index].data, names[index].length);
    if (atomic_load(&control->journal_error))
        return;
    atomic_store_explicit(&control->journal_begin, begin, memory_order_release);
    /* Gives the memory back; positions go on counting. */
    REAL(fallocate64)(journal, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off64_t)old, (off64_t)(begin - old));
}

static int begin_record(void)
{
    if (!is_on(MODE_JOURNAL) || journal < 0)
        return 0;
    pthread_mutex_lock(&lock);
    return 1;
}

static void end_record(int error)
{
    pthread_mutex_unlock(&lock);
    errno = error;
}

void journal_open(const char *path)
{
    journal = REAL(open64)(path, O_RDWR | O_CLOEXEC);
    if (journal < 0 && is_on(MODE_JOURNAL))
        fail(errno);
}

void journal_write(int fd, off64_t offset, uint64_t length)
{
    int error = errno;
    if (!begin_record())
        return;
    struct stat64 state;
    int64_t index = find(fd, &state);
    if (index >= 0 && offset >= 0) {
        dirty((uint32_t)index, (uint64_t)state.st_size);
        save((uint32_t)index, fd, (uint64_t)offset, (uint64_t)offset + length);
    }
    end_record(error);
}

void journal_append(int fd, uint64_t length)
{
    if (!is_on(MODE_JOURNAL))
        return;
    int error = errno, flags = fcntl(fd, F_GETFL);
    struct stat64 state;
    int appends = flags >= 0 && (flags & O_APPEND) && !fstat64(fd, &state);
    off64_t offset = appends ? state.st_size : lseek64(fd, 0, SEEK_CUR);
    errno = error;
    journal_write(fd, offset, length);
}

void journal_truncate(int fd, off64_t size)
{
    int error = errno;
    if (!begin_record())
        return;
    struct stat64 state;
    int64_t index = find(fd, &state);
    if (index >= 0 && size >= 0) {
        dirty((uint32_t)index, (uint64_t)state.st_size);
        save((uint32_t)index, fd, (uint64_t)size, (uint64_t)state.st_size);
    }
    end_record(error);
}

void journal_create(const char *path)
{
    int error = errno;
    if (!begin_record())
        return;
    keep_name(RECORD_CREATED, 0, path, strlen(path));
    end_record(error);
}

void journal_rename(const char *from, const char *to, int can_be_undone)
{
    int error = errno;
    if (!begin_record())
        return;
    char both[2 * PATH_MAX];
    uint64_t first = strlen(from), second = strlen(to);
    memcpy(both, from, first + 1);
    memcpy(both + first + 1, to, second);
    if (can_be_undone)
        keep_name(RECORD_RENAMED, 1, both, first + 1 + second);
    else
        record(RECORD_RENAMED, 0, 0, both, first + 1 + second);
    for (uint32_t index = 0; index < file_count; index++) {
        if (!files[index].path || strcmp(files[index].path, from))
            continue;
        char *copy = strdup(to);
        if (!copy) {
            fail(ENOMEM);
            break;
        }
        free(files[index].path);
        files[index].path = copy;
        record_file(index);
    }
    end_record(error);
}

/* The path that came to be; of a rename, the new one. */
static const char *new_path(const struct name *name)
{
    return name->kind == RECORD_RENAMED ? name->data + strnlen(name->data, name->length) + 1 : name->data;
}

/* Whether a name is in this folder. */
static int is_in(const struct name *name, const char *folder)
{
    const char *path = new_path(name), *end = name->data + name->length;
    uint64_t length = strlen(folder);
    if ((uint64_t)(end - path) <= length || memcmp(path, folder, length) || path[length] != '/')
        return 0;
    return !memchr(path + length + 1, '/', (size_t)(end - path) - length - 1);
}

static void forget_names(int (*forget)(const struct name *, const char *), const char *path)
{
    uint32_t kept = 0;
    for (uint32_t index = 0; index < name_count; index++) {
        if (forget(&names[index], path))
            free(names[index].data);
        else
            names[kept++] = names[index];
    }
    name_count = kept;
}

/* Whether it made this path. */
static int made(const struct name *name, const char *path)
{
    const char *made = new_path(name);
    uint64_t length = (uint64_t)(name->data + name->length - made);
    return length == strlen(path) && !memcmp(made, path, length);
}

void journal_unlink(const char *path)
{
    int error = errno;
    if (!begin_record())
        return;
    record(RECORD_UNLINKED, 0, 0, path, strlen(path));
    for (uint32_t index = 0; index < file_count; index++) {
        if (!files[index].path || strcmp(files[index].path, path))
            continue;
        clean(&files[index]);
        free(files[index].path);
        files[index].path = NULL;
    }
    forget_names(made, path);
    end_record(error);
}

uint64_t journal_position(void)
{
    return control ? atomic_load(&control->journal_end) : 0;
}

/* A folder was flushed: the names in it are on disk. */
static void synced(int fd, uint64_t position)
{
    char folder[PATH_MAX];
    if (!data_path_of(fd, folder))
        return;
    record(RECORD_SYNCED, 0, position, folder, strlen(folder));
    forget_names(is_in, folder);
}

void journal_flushed(int fd, uint64_t position)
{
    int error = errno;
    if (!begin_record())
        return;
    struct stat64 state;
    if (!fstat64(fd, &state) && S_ISDIR(state.st_mode)) {
        synced(fd, position);
    } else {
        int64_t index = find(fd, &state);
        if (index >= 0) {
            struct file *file = &files[index];
            record(RECORD_FLUSHED, (uint32_t)index, position, "", 0);
            file->has_late = (file->is_dirty || file->has_late) && file->last_at >= position;
            clean(file);
        }
    }
    begin_anew();
    end_record(error);
}
