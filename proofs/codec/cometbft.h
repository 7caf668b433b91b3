/*
 * What CometBFT hashes, signs and sends: headers, commits, validator sets and light blocks as protobuf (CometBFT 0.34 to 1.0,
 * proto/tendermint/types and proto/tendermint/crypto). Readers are strict (proofs/codec/protobuf.h); they check sizes and types, not
 * meaning. Writers give the bytes that CometBFT's own writer gives, so connectors can turn JSON-RPC answers into them.
 */
#ifndef ISTHMUS_PROOFS_CODEC_COMETBFT_H
#define ISTHMUS_PROOFS_CODEC_COMETBFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/protobuf.h"

enum {
    COMETBFT_ADDRESS_BYTES = 20,
    COMETBFT_ED25519_KEY_BYTES = 32,
    COMETBFT_SECP256K1_KEY_BYTES = 33,
    COMETBFT_SIGNATURE_BYTES = 64,
    COMETBFT_CHAIN_ID_MAX = 50,      /* types.MaxChainIDLen */
    COMETBFT_VALIDATORS_MAX = 10000, /* types.MaxVotesCount */
    COMETBFT_APP_HASH_MAX = 256,     /* CometBFT has no limit; applications return a digest */
    COMETBFT_SIGNATURE_MAX = 3309,   /* types.MaxSignatureSize: ML-DSA-65's */
    COMETBFT_LIGHT_BLOCK_MAX = 1 << 22,
    COMETBFT_EVIDENCE_MAX = 1 << 20, /* types.DefaultEvidenceParams: all of a block's */
    COMETBFT_SIGN_BYTES_MAX = 256,   /* longest sign bytes of a vote: 2 + 2 + 9 + 9 + 78 + 19 + 52 and a few */
};

/* Unix seconds and nanoseconds, 0001-01-01 to 9999-12-31. CometBFT's "no time" is the first of them. */
struct cometbft_time {
    int64_t seconds;
    int32_t nanos;
};

#define COMETBFT_TIME_UNSET ((struct cometbft_time){-62135596800, 0})

/* google.protobuf.Timestamp's range. */
bool cometbft_time_in_range(struct cometbft_time time);
/* Below, at or above zero as a is before, at or after b. */
int cometbft_time_compare(struct cometbft_time a, struct cometbft_time b);
/* time + nanos (>= 0); both in range, so this cannot overflow, but the sum may lie out of range. */
struct cometbft_time cometbft_time_add(struct cometbft_time time, int64_t nanos);

/* RFC 3339 as JSON answers have it: 2006-01-02T15:04:05Z with up to nine decimals of a second, UTC only. */
bool cometbft_time_parse(struct cometbft_time *time, const char *text, size_t len);

/* hash and parts_hash: empty or 32 bytes. */
struct cometbft_block_id {
    struct bytes hash;
    uint32_t parts_total;
    struct bytes parts_hash;
};

bool cometbft_block_id_equal(const struct cometbft_block_id *a, const struct cometbft_block_id *b);
bool cometbft_block_id_is_zero(const struct cometbft_block_id *id);

struct cometbft_header {
    uint64_t version_block;
    uint64_t version_app;
    struct bytes chain_id;
    int64_t height;
    struct cometbft_time time;
    struct cometbft_block_id last_block_id;
    struct bytes last_commit_hash;
    struct bytes data_hash;
    struct bytes validators_hash;
    struct bytes next_validators_hash;
    struct bytes consensus_hash;
    struct bytes app_hash;
    struct bytes last_results_hash;
    struct bytes evidence_hash;
    struct bytes proposer_address;
};

enum cometbft_flag { COMETBFT_ABSENT = 1, COMETBFT_COMMIT = 2, COMETBFT_NIL = 3 };

/* types.CommitSig: what one validator said in the round that committed. */
struct cometbft_vote {
    uint32_t flag; /* as received: may be none of the enum */
    struct bytes address;
    struct cometbft_time time;
    struct bytes signature;
};

struct cometbft_commit {
    int64_t height;
    int32_t round;
    struct cometbft_block_id block_id;
    struct cometbft_vote *votes;
    size_t votes_len;
};

enum cometbft_vote_type { COMETBFT_PREVOTE = 1, COMETBFT_PRECOMMIT = 2 };

/* types.Vote: a vote by itself, as it is sent before there is a commit. A block id of all zero is a vote for nil. */
struct cometbft_single_vote {
    uint32_t type; /* as received: may be none of the enum */
    int64_t height;
    int32_t round;
    struct cometbft_block_id block_id;
    struct cometbft_time time;
    struct bytes address;
    int32_t index; /* of the validator in its set; not signed */
    struct bytes signature;
    struct bytes extension; /* signed by the next, and by that alone */
    struct bytes extension_signature;
};

/* types.DuplicateVoteEvidence: what a block carries to have a validator punished. What stands behind the votes is claimed by who made it. */
struct cometbft_double_vote {
    struct cometbft_single_vote a;
    struct cometbft_single_vote b;
    int64_t total_power;
    int64_t power;
    struct cometbft_time time; /* of the block of that height */
};

enum cometbft_key {
    /* the field numbers of crypto.PublicKey */
    COMETBFT_KEY_ED25519 = 1,
    COMETBFT_KEY_SECP256K1 = 2,
    COMETBFT_KEY_BLS12381 = 3, /* CometBFT 1.0; read, and refused by name */
    COMETBFT_KEY_MLDSA65 = 4,  /* CometBFT 0.38.26; the same */
};

struct cometbft_validator {
    enum cometbft_key kind;
    struct bytes key; /* of the kind's size, where the kind is verified */
    struct bytes address;
    int64_t power;
    int64_t priority; /* hashed nowhere */
};

struct cometbft_validators {
    struct cometbft_validator *list;
    size_t len;
    bool has_proposer; /* hashed nowhere */
    struct cometbft_validator proposer;
};

struct cometbft_light_block {
    struct cometbft_header header;
    struct cometbft_commit commit;
    struct cometbft_validators validators;
};

/* The messages that make a light block, each whole: tendermint.types.Header, Commit and ValidatorSet. */
struct cometbft_parts {
    struct bytes header;
    struct bytes commit;
    struct bytes validators;
};

/* The parts of a tendermint.types.LightBlock, without reading them; empty ones when it is not well formed, which no reader takes. */
struct cometbft_parts cometbft_parts_of(struct bytes light_block);

/* Where a reader puts lists: arrays of the caller, of `cap` entries each. More entries than cap fail. */
struct cometbft_room {
    struct cometbft_vote *votes;
    struct cometbft_validator *validators;
    size_t cap;
};

/* Each reads one whole message; false when it is not well formed, of the sizes above, or has more entries than there is room. Views
 * point into `in`. The order of checks: bounds, then types; meaning is proofs/cometbft.h's. */
bool cometbft_header_read(struct cometbft_header *out, struct bytes in);
bool cometbft_commit_read(struct cometbft_commit *out, struct cometbft_room room, struct bytes in);
bool cometbft_validators_read(struct cometbft_validators *out, struct cometbft_room room, struct bytes in);
bool cometbft_parts_read(struct cometbft_light_block *out, struct cometbft_room room, struct cometbft_parts in);

/* At most COMETBFT_EVIDENCE_MAX bytes: the evidence alone, as a block's evidence hash has it, without the oneof Evidence around it. */
bool cometbft_double_vote_read(struct cometbft_double_vote *out, struct bytes in);

/* The bytes of each, as CometBFT's own encoder writes them (a set's total power, which nobody believes, is left out). */
void cometbft_header_write(struct codec_writer *writer, const struct cometbft_header *header);
void cometbft_commit_write(struct codec_writer *writer, const struct cometbft_commit *commit);
void cometbft_validators_write(struct codec_writer *writer, const struct cometbft_validators *validators);
void cometbft_light_block_write(struct codec_writer *writer, const struct cometbft_light_block *block);
void cometbft_double_vote_write(struct codec_writer *writer, const struct cometbft_double_vote *evidence);

/* Fields of more than one message. A time or block id that is missing, or out of its range, makes the message fail. */
struct cometbft_time cometbft_time_read(struct codec_protobuf *message, uint32_t field);
struct cometbft_block_id cometbft_block_id_read(struct codec_protobuf *message, uint32_t field);

/* Parts that the header hash is made of: the fields of a message, without its own key and length. */
void cometbft_time_write(struct codec_writer *writer, struct cometbft_time time);
void cometbft_block_id_write(struct codec_writer *writer, const struct cometbft_block_id *id);
/* A time as a field of another message, key and length before it. */
void cometbft_time_write_field(struct codec_writer *writer, uint32_t field, struct cometbft_time time);

/* The order of a validator set: power descending, then address ascending (types.ValidatorsByVotingPower). For connectors: lists in
 * JSON answers may come in another order. */
void cometbft_validators_sort(struct cometbft_validator *list, size_t len);
/* True when entry a stands before entry b in that order. */
bool cometbft_validator_before(const struct cometbft_validator *a, const struct cometbft_validator *b);

/* What a validator signs, for many votes of one commit: all is the same but the time, and for nil votes the block id, which is left
 * out. begin writes that once; of writes the sign bytes of one vote. */
struct cometbft_sign_bytes {
    uint8_t before[128]; /* up to the timestamp, for the block */
    size_t before_len;
    size_t nil_len; /* how much of it a nil vote has */
    uint8_t after[COMETBFT_CHAIN_ID_MAX + 2];
    size_t after_len;
};

/* CanonicalVote (types/canonical.go): type precommit, height and round as sfixed64, block id, chain id. chain_id is the trusted one,
 * at most COMETBFT_CHAIN_ID_MAX bytes. type: 1 prevote, 2 precommit. */
void cometbft_sign_bytes_begin(struct cometbft_sign_bytes *out, struct bytes chain_id, uint32_t type, int64_t height,
                               int64_t round, const struct cometbft_block_id *block_id);
/* The sign bytes of a vote with this time, for the block or for nil; returns how many of out were written. */
size_t cometbft_sign_bytes_of(uint8_t out[COMETBFT_SIGN_BYTES_MAX], const struct cometbft_sign_bytes *sign,
                              struct cometbft_time time, bool for_block);

#endif
