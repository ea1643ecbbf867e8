/* What the harness and the library share: one page of 64-bit words, and the journal.
 *
 * The page is a file that the library maps and the harness reads and writes at offsets, in
 * `faults/src/disk/control.rs`, which names the same words. A change of either is a new
 * CONTROL_VERSION: the handshake refuses a library of another one. */

#ifndef CONTROL_H
#define CONTROL_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum { CONTROL_VERSION = 1 };

/* Bits of `mode`: what is wrong with the disk now, and whether undo records are kept. */
enum { MODE_STALL = 1, MODE_SLOW = 2, MODE_FULL = 4, MODE_JOURNAL = 8 };

struct control {
    /* Written by the harness. */
    _Atomic uint64_t mode;
    _Atomic uint64_t slow_by_us;
    /* Written by the library. The handshake: */
    _Atomic uint64_t version;
    _Atomic uint64_t pid;
    /* Flushes of data files that were held, and made to take longer, since the page was made. */
    _Atomic uint64_t stalled;
    _Atomic uint64_t slowed;
    /* Writes to data files that were answered ENOSPC. */
    _Atomic uint64_t refused;
    /* Flushes that are being held or made to take longer now. */
    _Atomic uint64_t held;
    /* The journal: where its records begin and end in its file, and the error that made it useless. */
    _Atomic uint64_t journal_begin;
    _Atomic uint64_t journal_end;
    _Atomic uint64_t journal_error;
};

extern struct control *control;

/* Whether a bit of `mode` is set: one load while nothing is wrong. */
static inline int is_on(uint64_t bits)
{
    return control && (atomic_load_explicit(&control->mode, memory_order_acquire) & bits);
}

/* The path of an open file, in `path` of PATH_MAX bytes; 0 if it is not in the data folder. */
int data_path_of(int fd, char *path);
/* The path that a name stands for, its folder resolved; 0 if it is not in the data folder. */
int data_path_at(int dirfd, const char *name, char *path);

/* The undo journal; see journal.c. */
void journal_open(const char *path);
void journal_write(int fd, off64_t offset, uint64_t length);
void journal_append(int fd, uint64_t length);
void journal_truncate(int fd, off64_t size);
void journal_create(const char *path);
void journal_rename(const char *from, const char *to, int can_be_undone);
void journal_unlink(const char *path);
/* Before a flush, what `journal_flushed` is to be given once it has succeeded. */
uint64_t journal_position(void);
void journal_flushed(int fd, uint64_t position);

#endif
