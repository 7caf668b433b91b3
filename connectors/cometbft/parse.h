/*
 * Answers of a CometBFT node, JSON into the structs of proofs/codec/cometbft.h. What they say is checked for its form alone: a
 * verifier recomputes every hash, so a node that says something else here only makes evidence that nobody takes.
 */
#ifndef CONNECTORS_COMETBFT_PARSE_H
#define CONNECTORS_COMETBFT_PARSE_H

#include <stdbool.h>

#include "connectors/sdk/json.h"
#include "proofs/codec/cometbft.h"

/* The signed_header of a /commit answer. Views live in arena. False: not such a thing; the hashes that a connector looks at
 * (validators, next validators, the commit's block) have 32 bytes. */
bool cometbft_parse_signed_header(struct cometbft_header *header, struct cometbft_commit *commit,
                                  const struct sdk_json *signed_header, struct sdk_arena *arena);

/* One of a block's evidence: true when it is of a double vote. What a vote's extension holds is not read: nobody who judges the
 * votes looks at it. */
bool cometbft_parse_double_vote(struct cometbft_double_vote *out, const struct sdk_json *evidence,
                                struct sdk_arena *arena);

/* Whether a header's evidence hash, as bytes and as JSON, is another one than that of no evidence at all. */
bool cometbft_hash_names_evidence(struct bytes hash);
bool cometbft_parse_has_evidence(const struct sdk_json *evidence_hash, struct sdk_arena *arena);

/* A validator with its bytes beside it. */
struct cometbft_kept_validator {
    enum cometbft_key kind;
    int64_t power;
    uint8_t key_len;
    uint8_t key[COMETBFT_SECP256K1_KEY_BYTES];
    uint8_t address[COMETBFT_ADDRESS_BYTES];
};

/* One entry of a /validators answer; ed25519 and secp256k1 keys. */
bool cometbft_parse_validator(struct cometbft_kept_validator *out, const struct sdk_json *validator,
                              struct sdk_arena *arena);

/* What a state holds under a key, and the proofs of it, CommitmentProofs from the key up to the app hash. */
struct cometbft_shown {
    struct bytes value; /* empty: nothing */
    size_t ops_len;     /* 1 where the state is one tree, 2 in a multistore */
    struct bytes ops[2];
};

/* The response of an abci_query with proof, about `key` at a height: by the iavl tree of the store of that name and the tree of the multistore's
 * stores, as the Cosmos SDK answers /store/NAME/key; store empty: by one iavl tree. Views live in arena. NULL, or what is wrong with it. */
const char *cometbft_parse_shown(struct cometbft_shown *out, const struct sdk_json *response, uint64_t height,
                                 struct bytes store, struct bytes key, struct sdk_arena *arena);

#endif
