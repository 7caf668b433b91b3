/*
 * A power cut, as far as one process can play it: fsync and fdatasync of this program remember how long each file was, and a
 * cut copies a folder with every file ended where it was last synced. kill -9 cannot show a missing sync (the kernel keeps
 * what was written); this does.
 */
#ifndef TESTS_UNIT_POWER_H
#define TESTS_UNIT_POWER_H

#include <stdint.h>

/* Copies folder `from` (files only) into the new folder `to` as a disk would show it after the power went now. */
void power_cut(const char *from, const char *to);

/* How many syncs there were in this process. */
uint64_t power_syncs(void);

#endif
