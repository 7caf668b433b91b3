/*
 * The signer's guard (I7): for each log the last head signed, in a file of its own that is synced before a signature leaves.
 *
 * Folder: `guard` (the file), `guard.new` (while it is compacted), `lock` (with the process that holds it), `signed` (empty; made once something was signed,
 * so that a guard file that is gone is told from one that never was). The file is a header and fixed records that are
 * only appended, each written twice and checksummed. So what a crash tore (both copies, never synced, nothing was signed)
 * is told from what rotted (one copy: the other counts). Anything else is corrupt: the signer does not run.
 *
 * No function allocates after edge_guard_open.
 */
#ifndef RELAY_EDGE_GUARD_H
#define RELAY_EDGE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EDGE_GUARD_BATCH_MAX = 64 }; /* rows of one advance: logs in one request */

struct edge_guard_row {
    uint8_t log[32];
    uint64_t number; /* last one signed; 0: none */
    uint8_t running[32];
    bool frozen; /* a source contradicted this head: nothing is signed until the operator thaws the log */
};

struct edge_guard;

enum edge_guard_status {
    EDGE_GUARD_OK = 0,
    EDGE_GUARD_IO,
    EDGE_GUARD_BUSY,    /* another process has it open */
    EDGE_GUARD_CORRUPT, /* do not sign: text says what to do */
    EDGE_GUARD_VERSION,
    EDGE_GUARD_OTHER_NETWORK,
    EDGE_GUARD_PERMISSIONS, /* the folder is another user's, or others may write there */
    EDGE_GUARD_LOST,        /* it has signed, and knows no row any more: do not sign */
    EDGE_GUARD_MEMORY
};

/*
 * Opens the guard in folder (which is created if it is missing, 0700), locks it and compacts it. room: how many logs
 * besides those in the file may be added. On failure *out is NULL and text (capacity cap) says what is wrong and what
 * to do.
 */
enum edge_guard_status edge_guard_open(struct edge_guard **out, const char *folder, const uint8_t network[32],
                                       size_t room, char *text, size_t cap);
/* The operator's act after EDGE_GUARD_LOST: begins an empty file where the old one was. Until a row is set it stays lost. */
enum edge_guard_status edge_guard_open_lost(struct edge_guard **out, const char *folder, const uint8_t network[32],
                                            size_t room, char *text, size_t cap);
void edge_guard_close(struct edge_guard *guard); /* NULL is allowed */

/* The row of a log; NULL when nothing was signed. Borrowed until the next advance. */
const struct edge_guard_row *edge_guard_find(const struct edge_guard *guard, const uint8_t log[32]);

/* All rows, in ascending order of log id. */
size_t edge_guard_rows(const struct edge_guard *guard, const struct edge_guard_row **rows);

/*
 * Sets rows (at most EDGE_GUARD_BATCH_MAX, each log once, numbers not below the guard's) as one group. Synced when it
 * returns true. False: nothing may be signed, now or later by this process; text says why.
 */
bool edge_guard_advance(struct edge_guard *guard, const struct edge_guard_row *rows, size_t count, char *text,
                        size_t cap);

/* The operator's act: clears `frozen`. False: no such row, or not frozen, or it could not be written. */
bool edge_guard_thaw(struct edge_guard *guard, const uint8_t log[32], char *text, size_t cap);

#endif
