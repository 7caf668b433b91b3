/*
 * The vector runner: a folder of published test data, every case of it against its stated verdict.
 *
 * Files are recognised by what is in them, so any folder of the same layout will do. Each file's cases are counted, and a
 * file that is not recognised is named.
 */
#ifndef ISTHMUS_TESTS_VECTORS_VECTORS_H
#define ISTHMUS_TESTS_VECTORS_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/cometbft.h"
#include "proofs/mpt.h"
#include "tools/verify/json.h"

/* One data file, opened. */
struct vectors_file {
    char *path; /* relative to the folder given */
    struct tools_json_doc *doc;
    int64_t passed;
    int64_t failed;
    bool recognised;
};

/* A file that was opened beside the one at hand, kept as others may need it again. */
struct vectors_opened {
    char *path;
    struct tools_json_doc *doc;
    bool mutated; /* its bits were flipped already */
};
void vectors_opened_close(struct vectors_opened *opened);

enum { VECTORS_OPENED_MAX = 256 };

struct vectors {
    const char *root; /* the folder that was given */
    struct vectors_opened opened[VECTORS_OPENED_MAX];
    size_t opened_len;
    struct proof_cometbft_space *cometbft; /* made when first needed */
    struct vectors_file *file;             /* the one whose cases are being checked */
    struct tools_json *mismatches;
    int64_t passed;
    int64_t failed;
    bool mutate; /* also show every proof with each of its bits flipped */
};

/* When run->mutate: flips every step-th bit of what `bytes` points to and counts one case: no flip may be accepted by
 * `accepts`. The bytes are the document's own memory and are put back. */
typedef bool vectors_accepts(const void *context);
void vectors_mutate(struct vectors *run, const char *id, struct bytes bytes, size_t step, vectors_accepts *accepts,
                    const void *context);

/* Counts one case of run->file; prints it when it is not ok. */
__attribute__((format(printf, 4, 5))) void vectors_check(struct vectors *run, bool ok, const char *id,
                                                         const char *format, ...);

/* Each looks at one file, says whether it is of its kind, and if so checks all its cases. */
bool vectors_try_trie(struct vectors *run, struct vectors_file *file);
bool vectors_try_rlp(struct vectors *run, struct vectors_file *file);
bool vectors_try_proofs(struct vectors *run, struct vectors_file *file);
bool vectors_try_cometbft(struct vectors *run, struct vectors_file *file);
bool vectors_try_ics23(struct vectors *run, struct vectors_file *file);

/* What the CometBFT layouts share: the space, the state of a header (false when it has no hash), a clock just behind a time, and files beside the one at
 * hand (by a name relative to its own; the runner closes them). */
struct proof_cometbft_space *vectors_cometbft_space(struct vectors *run);
bool vectors_cometbft_trust(struct proof_cometbft_state *state, const struct cometbft_header *header);
struct proof_cometbft_options vectors_cometbft_options(struct cometbft_time now);
struct tools_json_doc *vectors_open_beside(struct vectors *run, const struct vectors_file *file, const char *name);

/* A whole block that carries evidence. */
bool vectors_try_cometbft_evidence(struct vectors *run, const struct tools_json *block);

/* These look at all files of one folder together: blocks with receipts and proofs, portal-network content. */
void vectors_chain_folder(struct vectors *run, struct vectors_file *files, size_t count);
void vectors_portal_folder(struct vectors *run, struct vectors_file *files, size_t count);

/* A YAML file of texts: one mapping, or a list of mappings. */
struct tools_json_doc *vectors_read_yaml(const char *path);

/* The root of the trie index -> values[i] under keys RLP(index): transactions, receipts, withdrawals. */
bool vectors_list_root(uint8_t root[32], const struct bytes *values, size_t count);

/* The root of a trie with these entries, in any order, no two with the same key. Sorts them. */
bool vectors_trie_root(uint8_t root[32], struct proof_mpt_entry *entries, size_t count);

#endif
