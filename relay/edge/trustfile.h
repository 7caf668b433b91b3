/*
 * Where the signer keeps the trust of one chain's light client: a file beside the guard, synced before anything is signed on it.
 *
 * Two places of fixed size, written in turn, each with a serial number and a hash: a write that a crash tore leaves the one before
 * it, or nothing when it was the first. An old copy of the file is safe: a trust can be proven again. What no crash leaves (both
 * places damaged, bytes of another version) is refused and never written over: a person looks at it first.
 *
 * Nothing is allocated after edge_trustfile_open.
 */
#ifndef RELAY_EDGE_TRUSTFILE_H
#define RELAY_EDGE_TRUSTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

enum { EDGE_TRUSTFILE_VALUE_MAX = 128 * 1024 };

struct edge_trustfile;

/* Opens or makes <folder>/trust-<first 16 digits of the chain's identity>. NULL: text (capacity cap) says why. */
struct edge_trustfile *edge_trustfile_open(const char *folder, const uint8_t identity[32], char *text, size_t cap);
/* The text of a file whose places are whole, and whose value its reader cannot read: what, where, what to do. */
void edge_trustfile_malformed(const struct edge_trustfile *file, char *text, size_t cap);
void edge_trustfile_close(struct edge_trustfile *file); /* NULL is allowed */

/* The newest value; empty when there is none. Borrowed until the next save. */
struct bytes edge_trustfile_value(const struct edge_trustfile *file);

/* Synced when it returns true. False: it does not fit, or was not written; text says why. */
bool edge_trustfile_save(struct edge_trustfile *file, struct bytes value, char *text, size_t cap);

#endif
