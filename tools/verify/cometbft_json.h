/*
 * CometBFT's JSON (RPC answers and light blocks as Go writes them) as the protobuf bytes that are verified.
 */
#ifndef ISTHMUS_TOOLS_VERIFY_COMETBFT_JSON_H
#define ISTHMUS_TOOLS_VERIFY_COMETBFT_JSON_H

#include "proofs/codec/cometbft.h"
#include "tools/verify/json.h"

/* All read into memory of doc; the error is doc's. Hashes are hexadecimal, keys and signatures base64, numbers decimal text. */
void tools_cometbft_header(struct cometbft_header *out, struct tools_json_doc *doc, const struct tools_json *header);
void tools_cometbft_commit(struct cometbft_commit *out, struct tools_json_doc *doc, const struct tools_json *commit);
/* A list of validators, or an object that has one under "validators"; sorted as the set is hashed. */
void tools_cometbft_validators(struct cometbft_validators *out, struct tools_json_doc *doc,
                               const struct tools_json *set);
void tools_cometbft_block_id(struct cometbft_block_id *out, struct tools_json_doc *doc, const struct tools_json *id);
struct cometbft_time tools_cometbft_time(struct tools_json_doc *doc, const struct tools_json *text, const char *field);
struct bytes tools_cometbft_base64(struct tools_json_doc *doc, const struct tools_json *text, const char *field);

/* A light block: {signed_header: {header, commit} or header and commit themselves, validator_set or validators}. */
void tools_cometbft_light_block(struct cometbft_light_block *out, struct tools_json_doc *doc,
                                const struct tools_json *block);

/* Evidence of a double vote as blocks have it: {"type": "tendermint/DuplicateVoteEvidence", "value": {...}}, or what stands in value. */
void tools_cometbft_double_vote(struct cometbft_double_vote *out, struct tools_json_doc *doc,
                                const struct tools_json *evidence);

/* Their bytes. */
struct bytes tools_cometbft_header_bytes(struct tools_json_doc *doc, const struct cometbft_header *header);
struct bytes tools_cometbft_validators_bytes(struct tools_json_doc *doc, const struct cometbft_validators *set);
struct bytes tools_cometbft_light_block_bytes(struct tools_json_doc *doc, const struct cometbft_light_block *block);
struct bytes tools_cometbft_double_vote_bytes(struct tools_json_doc *doc, const struct cometbft_double_vote *evidence);

#endif
