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

/* The sanitizers' run time makes calls of its own (ptrace at the end, threads, signals): their builds keep only Landlock. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EDGE_SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EDGE_SANDBOX_SANITIZED 1
#endif
#endif
#ifndef EDGE_SANDBOX_SANITIZED
#define EDGE_SANDBOX_SANITIZED 0
#endif

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
 * The connector's: reads what any program needs (libraries, certificates, names of hosts, its own /proc) and `readable`
 * (files, or folders with all below them; ends with NULL; what is not there is skipped), writes nothing, and reaches no
 * unix socket: neither the keys of its user nor the relay's own doors. No tracing, mounting, modules, keys, namespaces or
 * raw kernel interfaces; no signal, limit or priority for another process, and no session of its own, so that all it starts
 * ends with it; no length, owner, rights, times or attributes of any file, no memory or queues that would outlive it, and three
 * quarters of the processes that its user may have. Refused calls answer EACCES or EPERM; network and threads as it likes. Without Landlock (edge_sandbox_whole) it
 * may read what its user may.
 */
bool edge_sandbox_connector(const char *const *readable, char *text, size_t cap);

/* What every connector may read, whatever is named: paths, ended by NULL. Static storage. */
const char *const *edge_sandbox_readable(void);

/*
 * Runs a connector's program in the connector's sandbox; returns only on failure, with an exit code (126: it may not run,
 * 127: it is not there), text says why. hash: BLAKE2b-256 that the program's file must have, NULL: any. What is hashed
 * is what is run: the file is opened once. readable: as above; a script must be able to read itself, so name the program.
 */
int edge_sandbox_run(const char *program, char *const argv[], const uint8_t *hash, const char *const *readable,
                     char *text, size_t cap);

/* BLAKE2b-256 of an open, regular, not empty file: what `program_hash` registers. False: it could not be read. */
bool edge_sandbox_hash(uint8_t hash[32], int fd);

/* False: this kernel has no Landlock (before Linux 5.13, or switched off), so the sandboxes do not hold files back. */
bool edge_sandbox_whole(void);

/* From now on nobody of the same user may look into this process (its memory, its descriptors), nor does it leave a core
 * file; for processes that hold a key, before they read it. Children that are started begin anew. */
bool edge_sandbox_hide(void);

#endif
