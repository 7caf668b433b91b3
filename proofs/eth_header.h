/*
 * Ethereum execution block headers of every fork up to Prague (and Osaka, which has the same fields). PROOFS §3.
 */
#ifndef ISTHMUS_PROOFS_ETH_HEADER_H
#define ISTHMUS_PROOFS_ETH_HEADER_H

#include "proofs/codec/bytes.h"
#include "proofs/codec/eth.h"
#include "proofs/proof.h"

/* A header whose hash is the trusted one. Views inside header point into the RLP that was given. */
struct proof_eth_header_fact {
    uint8_t hash[32];
    struct eth_header header;
};

/* Reads rlp strictly: canonical, one of the known field counts (which decides the fork), every field of its exact size,
 * nothing after it. It says nothing about trust: PROOF_VALID means well-formed. out is zeroed on refusal.
 * result->at is the index of the field. */
enum proof_verdict proof_eth_header_parse(struct proof_result *result, struct eth_header *out, struct bytes rlp);

/* The header whose Keccak-256 is trusted_hash. Refuses an all-zero trusted_hash. */
enum proof_verdict proof_eth_header_verify(struct proof_result *result, struct proof_eth_header_fact *fact,
                                           const uint8_t trusted_hash[32], struct bytes rlp);

#endif
