/*
 * One relay over a CometBFT chain that a test makes up: its core, a disk that may be slow or lost, two sources that say what the
 * test lets them say, and a signer that is the test. Blocks are those of tests/unit/proofs/cometbft_world.
 */
#ifndef TESTS_UNIT_CORE_LIGHT_RIG_H
#define TESTS_UNIT_CORE_LIGHT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proofs/codec/connector.h"
#include "proofs/frame.h"
#include "relay/core/core.h"
#include "relay/core/reason.h"
#include "relay/core/signing.h"
#include "relay/core/verify.h"
#include "tests/unit/proofs/cometbft_world.h"

enum {
    RIG_SOURCES = 2,
    RIG_RELAYS = 4,
    RIG_FIRST = 10,
    RIG_BUNDLE_MAX = 16384,
    RIG_ROWS = 256,
    RIG_ASKS = 256,
    RIG_MESSAGES = 4,
    RIG_STEP_MS = 50 /* rig_run's tick */,
    RIG_BOUND_MS = 5000 /* for witnesses */
};

struct rig_row {
    enum store_family family;
    size_t key_len, len;
    uint8_t key[80], *value;
};

struct rig_action {
    struct relay_action action;
    struct rig_action *next;
};

struct rig_bundle {
    uint64_t height, time;
    uint8_t hash[32];
    uint8_t bytes[RIG_BUNDLE_MAX];
    size_t len;
};

struct rig {
    struct topology_network network;
    struct topology_chain chains[2];
    struct topology_epoch epochs[2];
    struct topology_key keys[2][1];
    struct topology_lane lane;
    struct topology_relay relays[RIG_RELAYS]; /* one with sources, one behind it, two behind that: a zone each */
    struct topology_link links[3];
    struct topology_operator operator;
    struct topology_zone zones[3];
    uint16_t served;
    uint16_t self; /* 0, or 1: the relay behind it, which has no source */
    struct relay_source sources[RIG_SOURCES];
    struct relay_trust first;
    struct relay_core *core;
    struct proof_cometbft_space *space;
    struct connector_scratch *scratch;
    struct world_set set, other; /* four validators each; `other` shares none with `set` */
    uint64_t now, unix_time;
    struct rig_row rows[RIG_ROWS]; /* the disk */
    size_t rows_len;
    bool slow; /* writes wait in `waiting` until rig_commit, or rig_crash */
    struct rig_row waiting[RIG_ROWS];
    size_t waiting_len;
    uint64_t waiting_id;
    struct { /* headers asked for, in order */
        uint16_t source;
        uint64_t height;
    } asks[RIG_ASKS];
    size_t asks_len;
    struct rig_action *todo, **todo_end;
    struct rig_bundle shown; /* by evidence last: other sources that are asked for it show it, too */
    uint16_t shown_by;
    bool quiet[RIG_SOURCES]; /* but not these: they say what the test says */
    bool away[RIG_SOURCES];  /* not up when a core starts */
    bool busy;
    size_t bans, kept, subscribes;
    struct codec_pack told; /* bodies of the last frame published, request, and answer */
    uint16_t told_zone, asked_peer;
    size_t publishes, requests, answers;
    struct codec_pack asked_of_peer, answered;
    uint8_t *signs[RIG_ASKS]; /* messages to the signer */
    size_t signs_len[RIG_ASKS], signs_count;
    uint8_t digests[RIG_MESSAGES][32], running[RIG_MESSAGES + 1][32]; /* of the lane's messages */
    struct codec_pack pack;
};

/* signer: the relay attests, and its signer is up (but has not said where its light client stands). */
struct rig *rig_new(bool signer);
/* The relay behind one with sources: it has a first header, and hears of the chain from peers alone. */
struct rig *rig_new_far(void);
void rig_free(struct rig *rig);
/* Ends the core and starts one anew from the disk; what was not committed is gone. Sources and signer are up again. */
void rig_restart(struct rig *rig, bool signer);
/* What waits is on disk. */
void rig_commit(struct rig *rig);
void rig_feed(struct rig *rig, struct relay_event event);
/* ms pass, in ticks. */
void rig_run(struct rig *rig, uint64_t ms);

/* The block of a height, signed by `set`, announcing `next`; flags as world_block_make. It names a state in which the lane's log has
 * `messages` entries. */
void rig_block(struct rig *rig, struct rig_bundle *out, uint64_t height, const struct world_set *set,
               const struct world_set *next, uint64_t messages, const uint8_t *flags);
/* The same, made at another time: that of height `at`, and so many nanoseconds. */
void rig_block_at(struct rig *rig, struct rig_bundle *out, uint64_t height, uint64_t at, int32_t nanos,
                  const struct world_set *set, uint64_t messages, const uint8_t *flags);
void rig_say(struct rig *rig, uint16_t source, const struct connector_message *message);
void rig_source(struct rig *rig, uint16_t source, bool up);
void rig_header(struct rig *rig, uint16_t source, const struct rig_bundle *bundle);
/* Records of messages from .. to. */
void rig_records(struct rig *rig, uint16_t source, uint64_t from, uint64_t to);
/* Evidence that the lane stands at `messages` under the bundle's header. */
void rig_evidence(struct rig *rig, uint16_t source, const struct rig_bundle *bundle, uint64_t messages);
/* Message 10, and message 12, as rig_header and rig_evidence say them. */
void rig_header_pack(struct codec_pack *out, const struct rig_bundle *bundle);
void rig_evidence_pack(struct rig *rig, struct codec_pack *out, const struct rig_bundle *bundle, uint64_t messages);
/* A frame of one item of peer 0 (of peer 1, where this relay is 0), published or as the answer to a request. */
void rig_tell(struct rig *rig, const struct proof_item *item);
/* Peer 0 tells what is packed, as an evidence item. */
void rig_tell_evidence(struct rig *rig, const struct codec_pack *message);
/* Peer 0 tells the operator's head over so many messages, then their records. */
void rig_tell_messages(struct rig *rig, uint64_t count);
/* Peer `peer` asks this relay for a header. */
void rig_ask_header(struct rig *rig, uint16_t peer, uint64_t height);
/* The signer's answer, as a real one gave it. */
void rig_signed(struct rig *rig, struct bytes message);
/* The signer says where its light client stands, and what it needs. */
void rig_signer_trust(struct rig *rig, uint64_t height, uint64_t want);

/* A rig that trusts its first header, shown by source 0. */
struct rig *rig_begun(bool signer);
/* The same without signer; source 1 says only what the test lets it say, and nothing counts as asked yet. */
struct rig *rig_begun_alone(void);
/* Source 0 shows that the lane has so many messages under a block of that height, records first where they are not here. */
void rig_show(struct rig *rig, struct rig_bundle *bundle, uint64_t height, uint64_t messages);
/* The same for the next message alone, which is proven then. */
void rig_prove(struct rig *rig, uint64_t height, uint64_t messages, struct rig_bundle *out);
/* How long, in ms, until so many are proven; more than the bound: never. */
uint64_t rig_until_proven(struct rig *rig, uint64_t messages);
struct relay_trust_view rig_trust(const struct rig *rig);

struct relay_log_view rig_log(const struct rig *rig);
uint64_t rig_counted(const struct rig *rig, enum relay_reason reason);
/* True when this header was asked for since the last call; forgets all asks. */
bool rig_asked(struct rig *rig, uint64_t height);
/* Height of the trust on disk; 0 none. */
uint64_t rig_trusted(const struct rig *rig);

#endif
