/*
 * What an account of a source spent in the last day, in a small file: its connector is told when it starts anew, so that a
 * restart of either is no way around the account's cap.
 */
#ifndef RELAY_EDGE_SPENT_H
#define RELAY_EDGE_SPENT_H

#include <stdbool.h>
#include <stdint.h>

enum { EDGE_SPENT_MAX = 80 /* digits of an amount */ };

/* Keeps an amount (decimal digits) that was told at `now`, Unix seconds. A kill loses nothing; what a cut of the power takes is
 * the last moment's, never what was kept before. False: it could not be written. */
bool edge_spent_save(const char *path, uint64_t now, const char *amount);

/* The amount that was kept, unless that is a day ago. The day's sum of an earlier life counts from its last change, so at most a
 * day too long: a cap is never passed for it. False: there is none, and amount is left as it is. */
bool edge_spent_load(char amount[EDGE_SPENT_MAX + 1], const char *path, uint64_t now);

#endif
