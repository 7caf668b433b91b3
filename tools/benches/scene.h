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
#include "proofs/message.h"
#include "proofs/signature.h"
#include "relay/core/core.h"
#include "topology/network.h"

enum { SCENE_POOL = 4096, SCENE_PAYLOAD_MAX = 16384 };

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

/* A frame's body: the range after `before`, and the operator's signature over `head` to which it leads; *attestation is
 * that signature, without its leaves. */
void scene_range_pack(struct codec_pack *pack, struct proof_item_attestation *attestation, const struct scene *scene,
                      const struct proof_head *before, const struct proof_head *head, struct bytes records);

/* Checks such a body against the log's head, which it moves. Zero count: a body without a range. False: refused. */
bool scene_range_take(struct proof_item_range *range, struct proof_item_attestation *attestation,
                      struct proof_head *head, const struct scene *scene, struct bytes body);

/* A heartbeat's body that names the log at `head` (number 0: names nothing), and what a received one names. */
void scene_told_pack(struct codec_pack *pack, const struct proof_head *head);
bool scene_told_take(uint64_t *number, struct bytes body);

/* The rows of a segment, its head and the log, as relay/core writes them. The buffers behind ops are the caller's `rows`. */
struct scene_rows {
    uint8_t keys[2][72];
    uint8_t small[2][512];
    uint8_t *segment; /* grows, owned */
    size_t segment_cap;
    struct relay_op ops[3];
};
void scene_rows_make(struct scene_rows *rows, const struct scene *scene, const struct proof_head *before,
                     const struct proof_head *head, struct bytes records,
                     const struct proof_item_attestation *attestation);

#endif
