/*
 * Who and where: identities of networks, chains, zones, lanes and logs (docs/formats.md §2), and the running hash that
 * makes a lane a log (§3). Nothing here allocates.
 */
#ifndef ISTHMUS_PROOFS_LANE_H
#define ISTHMUS_PROOFS_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/proof.h"
#include "proofs/suite.h"

#define PROOF_NAME_MAX  32 /* a network's or zone's name: 1..32 of a-z 0-9 - */
#define PROOF_CAIP2_MAX 41 /* namespace 3..8 of a-z 0-9 -, ':', reference 1..32 of A-Z a-z 0-9 - _ */

/* True for a name of 1..32 characters out of a-z, 0-9 and '-'. */
bool proof_name_valid(const char *name);
/* True for a CAIP-2 chain id such as "eip155:1". */
bool proof_caip2_valid(const char *caip2);

/* §2 network id under a suite. False, and out zeroed, when the name or the suite is not valid. */
bool proof_network_id(uint8_t out[32], enum proof_suite suite, const char *name);

/* §2 chain identity under a suite, from the CAIP-2 id and the hash of block 0. False, and out zeroed, when the CAIP-2 id
 * or the suite is not valid, or when the genesis is all zero (unset). */
bool proof_chain_id(uint8_t out[32], enum proof_suite suite, const char *caip2, const uint8_t genesis[32]);

/* §2 zone id (always BLAKE2b), from the network id under the BLAKE2b suite. False, and out zeroed, for a bad name. */
bool proof_zone_id(uint8_t out[32], const uint8_t network[32], const char *name);

/* §2 mode bits. */
#define PROOF_MODE_ORDERED 0x01 /* executes in sequence; clear: in any order */
#define PROOF_MODE_RETRY   0x02 /* a failing message stays pending until its deadline; clear: once */
#define PROOF_MODE_ALL     0x03

/* A lane in words that are the same under every suite. */
struct proof_lane {
    char network[PROOF_NAME_MAX + 1];
    char source[PROOF_CAIP2_MAX + 1]; /* CAIP-2 id of the source chain */
    uint8_t source_genesis[32];
    uint8_t outbox[32]; /* accounts: 32 bytes, on EVM chains 12 zero bytes || address */
    uint8_t sender[32];
    char destination[PROOF_CAIP2_MAX + 1];
    uint8_t destination_genesis[32];
    uint8_t inbox[32];
    uint8_t receiver[32];
    uint8_t mode;
    uint32_t generation; /* from 1 */
};

/* §2 lane id under a suite. Refuses (false, out zeroed, reason in result): names that are not valid, an unset genesis,
 * unknown mode bits, generation 0, a bad suite (all BAD_ARGUMENT). */
bool proof_lane_id(uint8_t out[32], enum proof_suite suite, const struct proof_lane *lane, struct proof_result *result);

/* §2 lane id from ids that are already computed under the suite; checks nothing. */
struct proof_lane_parts {
    uint8_t network[32];
    uint8_t source[32];
    uint8_t outbox[32];
    uint8_t sender[32];
    uint8_t destination[32];
    uint8_t inbox[32];
    uint8_t receiver[32];
    uint8_t mode;
    uint32_t generation;
};
void proof_lane_id_of_parts(uint8_t out[32], enum proof_suite suite, const struct proof_lane_parts *parts);

/* §2 kinds of a log. */
enum proof_log_kind {
    PROOF_LOG_NONE = 0,
    PROOF_LOG_MESSAGE = 1,    /* the outbox's messages */
    PROOF_LOG_OUTCOME = 2,    /* the inbox's decisions */
    PROOF_LOG_SETTLEMENT = 3, /* how far the outbox has taken the outcome log */
};

/* "message", "outcome", "settlement"; "none" for anything else. Static storage. */
const char *proof_log_kind_name(enum proof_log_kind kind);

/* §2 log id; lane_id is the id of the lane under the same suite. R_0 and Q_0 are log ids. */
void proof_log_id(uint8_t out[32], enum proof_suite suite, const uint8_t lane_id[32], enum proof_log_kind kind);

/* How far a log is known: its first `number` entries lead to `running` (docs/formats.md §3, §4, §5). For number 0 running
 * is the log id (of the outcome log, for a settlement log). */
struct proof_head {
    uint8_t log[32];
    uint64_t number;
    uint8_t running[32];
};

/* The head of an empty message or outcome log. */
void proof_head_empty(struct proof_head *head, const uint8_t log[32]);

/* True when log, number and running hash are equal. */
bool proof_head_equal(const struct proof_head *a, const struct proof_head *b);

/* §3, §4 running = H(tag run, running || entry) for each of count digests (or outcome entries) in turn. */
void proof_running_hash_extend(uint8_t running[32], enum proof_suite suite, const uint8_t (*entries)[32], size_t count);

/* The same over a head: moves number, too. False and nothing changed when number would pass 2^64 - 1. */
bool proof_head_extend(struct proof_head *head, enum proof_suite suite, const uint8_t (*entries)[32], size_t count);

#endif
