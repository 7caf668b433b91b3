/*
 * Evidence kind `agreement`: k configured sources, pairwise distinct by operator, network and software, named the same
 * header at a height (DESIGN: I8). It proves only what those sources are trusted for; nothing in it is cryptographic.
 */
#ifndef ISTHMUS_PROOFS_AGREEMENT_H
#define ISTHMUS_PROOFS_AGREEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/proof.h"

#define PROOF_AGREEMENT_SOURCES_MAX 16

/* Who stands behind a source, from configuration. No tag may be empty. */
struct proof_agreement_source {
    struct bytes operator_tag;
    struct bytes network_tag;
    struct bytes software_tag;
};

/* What is trusted: the chain, its configured sources, and how many independent ones must agree (1 <= demanded <=
 * source_count <= PROOF_AGREEMENT_SOURCES_MAX). */
struct proof_agreement_trust {
    struct bytes chain; /* the chain's identity, compared byte for byte */
    const struct proof_agreement_source *sources;
    size_t source_count;
    size_t demanded;
};

/* What one source said. `source` is an index into trust->sources, set by whoever received the statement, never by the source. */
struct proof_agreement_statement {
    size_t source;
    struct bytes chain;
    uint64_t height;
    uint8_t header_hash[32];
};

struct proof_agreement_fact {
    uint64_t height;
    uint8_t header_hash[32];
    size_t independent; /* the largest number of pairwise distinct sources that agree; >= demanded */
    size_t against;     /* statements for another hash: those sources lie, or lag on a dead branch */
};

/* Do enough independent sources give one header hash at height? At most one statement a source. One liar among enough honest
 * sources does not stop a chain (fact->against tells); two hashes with enough sources each, or several hashes and none with
 * enough, are a contradiction: the caller abstains and tells the operator.
 * result->at is the index of the statement (for too few: the number of independent sources that agree). */
enum proof_verdict proof_agreement_verify(struct proof_result *result, struct proof_agreement_fact *fact,
                                          const struct proof_agreement_trust *trust, uint64_t height,
                                          const struct proof_agreement_statement *statements, size_t statement_count);

/* The largest number of sources in the set `members` (bit i: source i) that are pairwise distinct by operator, network and
 * software: exact, by search. For configuration checks: can this chain's sources ever give what it demands? */
size_t proof_agreement_independent(const struct proof_agreement_trust *trust, uint32_t members);

#endif
