/*
 * What a child process may do. Each is applied by the process itself, before it reads its first byte from outside:
 * resource limits, no new privileges, death with the parent, seccomp (a list of calls) and Landlock (files), where the
 * kernel has it. Linux only.
 */
#ifndef RELAY_EDGE_SANDBOX_H
#define RELAY_EDGE_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* Asks the kernel to kill this process when its parent ends; false when the parent is gone already, or descriptor 3 is
 * not its socket. */
bool edge_sandbox_die_with_parent(void);

/*
 * The signer's: may read, write and sync open descriptors, and create, rename and remove files only below `folder`; no
 * sockets, no new processes, nothing else on disk. An unexpected call kills it. False: text says what failed; the
 * process must then end.
 */
bool edge_sandbox_signer(const char *folder, char *text, size_t cap);

/*
 * The connector's: a read-only file system, no tracing, mounting, modules, keys, namespaces or raw kernel interfaces
 * (those calls answer EPERM); network and threads as it likes.
 */
bool edge_sandbox_connector(char *text, size_t cap);

/*
 * Runs a connector's program in the connector's sandbox; returns only on failure, with an exit code (126: it may not run,
 * 127: it is not there), text says why. hash: BLAKE2b-256 that the program's file must have, NULL: any. What is hashed
 * is what is run: the file is opened once.
 */
int edge_sandbox_run(const char *program, char *const argv[], const uint8_t *hash, char *text, size_t cap);

#endif
