/*
 * What the benches of the hop and of the memory share: a network of two relays and one lane, records as a chain gives them, and
 * the work that a relay does for a range of them.
 */
#ifndef TOOLS_BENCHES_SCENE_H
#define TOOLS_BENCHES_SCENE_H

#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/pack.h"
#include "proofs/frame.h"
#include "proofs/lane.h"
#include "proofs/merkle.h"
#include "proofs/message.h"
#include "proofs/signature.h"
#include "relay/core/core.h"
#include "topology/network.h"

enum {
    SCENE_POOL = 4096,
    SCENE_PAYLOAD_MAX = 16384,
    SCENE_RANGES_MAX = 8,
    SCENE_FRAME_MAX = SCENE_RANGES_MAX * PROOF_RANGE_MAX
};

struct scene {
    struct topology_network network;
    struct topology_operator operator;
    struct topology_chain chains[2];
    struct topology_zone zone;
    struct topology_relay relays[2];
    struct topology_link link;
    struct topology_lane lane;
    uint16_t serves[2][2];
    uint8_t seeds[2][32];       /* of the relays */
    uint8_t secret[32];         /* of the one operator's signing key ... */
    struct proof_key key;       /* ... which is this */
    uint8_t network_keccak[32]; /* the network's id under the lane's suite */
    uint8_t *records;           /* SCENE_POOL records of record_bytes each; sequences are not in them, so they repeat */
    size_t record_bytes;
};

/* Ends the process: benches have nothing to clean up. */
_Noreturn void scene_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same after success. */
_Noreturn void scene_end(int status);

uint64_t scene_now_us(void); /* CLOCK_MONOTONIC */

/* payload: bytes of each message. */
void scene_init(struct scene *scene, size_t payload);

/* Copies the records of messages from .. from + count - 1 to out. */
void scene_records(uint8_t *out, const struct scene *scene, uint64_t from, size_t count);

/* What every relay does with records, whoever gave them: read, open the commitments, digest, run on. False: refused. */
bool scene_extend(struct proof_head *head, const struct scene *scene, struct bytes records, size_t count);

/* What a frame carries: ranges of up to PROOF_RANGE_MAX records that follow each other, the head behind each of them, and
 * the operator's one signature over the root of a tree over these heads. */
struct scene_frame {
    size_t ranges;
    struct proof_head heads[SCENE_RANGES_MAX + 1]; /* heads[0]: before the first record */
    struct bytes records[SCENE_RANGES_MAX];        /* borrowed */
    struct proof_path paths[SCENE_RANGES_MAX];
    uint8_t root[32], signature[64];
    bool gap; /* taken: it begins beyond the head, so something before it was lost */
};

/* Takes `count` (at most SCENE_FRAME_MAX) messages after head, whose records it copies to buffer; signs; moves head. */
void scene_frame_make(struct scene_frame *frame, struct proof_head *head, const struct scene *scene, uint8_t *buffer,
                      size_t count);

/* The frame as the body of a published frame. */
void scene_frame_pack(struct codec_pack *pack, const struct scene_frame *frame, const struct scene *scene);

/* Checks such a body against the log's head, which it moves. A body without ranges, or whose ranges do not follow the head,
 * leaves frame->ranges 0. False: refused. */
bool scene_frame_take(struct scene_frame *frame, struct proof_head *head, const struct scene *scene, struct bytes body);

/* A request's body: records from `from` on; what a received one asks for. */
void scene_ask_pack(struct codec_pack *pack, const struct scene *scene, uint64_t from);
bool scene_ask_take(uint64_t *from, struct bytes body);

/* A heartbeat's body that names the log at `head` (number 0: names nothing), and what a received one names. */
void scene_told_pack(struct codec_pack *pack, const struct proof_head *head);
bool scene_told_take(uint64_t *number, struct bytes body);

/* The rows of a frame, as relay/core writes them: its segments, its heads and the log. What ops point to is the rows' own. */
struct scene_rows {
    struct relay_op ops[2 * SCENE_RANGES_MAX + 1];
    size_t ops_len;
    uint8_t keys[2 * SCENE_RANGES_MAX][72];
    uint8_t heads[SCENE_RANGES_MAX][512], log[512];
    uint8_t *segments; /* grows */
    size_t segments_cap;
};
void scene_rows_make(struct scene_rows *rows, const struct scene *scene, const struct scene_frame *frame);

#endif
