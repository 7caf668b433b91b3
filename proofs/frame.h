/*
 * Frames between relays (docs/formats.md §6.1): what one hop carries.
 *
 * Reading allocates nothing and copies only fixed fields: views borrow the frame's bytes. An input is taken in three steps:
 * proof_frame_read (the header, cheap, so that the caller can look at network, sender, audience and counter first),
 * proof_frame_verify (every item to its last element, then the signature), proof_items_next (which then cannot fail).
 */
#ifndef ISTHMUS_PROOFS_FRAME_H
#define ISTHMUS_PROOFS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/certificate.h"
#include "proofs/codec/bytes.h"
#include "proofs/codec/pack.h"
#include "proofs/lane.h"
#include "proofs/leaf.h"
#include "proofs/message.h"
#include "proofs/outcome.h"
#include "proofs/proof.h"

#define PROOF_FRAME_VERSION         1
#define PROOF_FRAME_HEADER_BYTES    116
#define PROOF_FRAME_SIGNATURE_BYTES 64
#define PROOF_FRAME_BODY_MAX        (8u << 20)
#define PROOF_FRAME_BYTES_MAX       (PROOF_FRAME_HEADER_BYTES + PROOF_FRAME_BODY_MAX + PROOF_FRAME_SIGNATURE_BYTES)

#define PROOF_FRAME_ITEMS_MAX   4096       /* items of a frame */
#define PROOF_ITEM_LEAVES_MAX   256        /* leaves of an attestation item */
#define PROOF_ITEM_LOGS_MAX     4096       /* logs of a heartbeat */
#define PROOF_ITEM_EVIDENCE_MAX (1u << 20) /* bytes of an evidence item's message */

enum proof_frame_kind {
    PROOF_FRAME_NONE = 0,
    PROOF_FRAME_PUBLISH = 1,
    PROOF_FRAME_REQUEST = 2,
    PROOF_FRAME_RESPONSE = 3,
};

struct proof_frame {
    enum proof_frame_kind kind;
    uint8_t network[32];  /* under the BLAKE2b suite */
    uint8_t sender[32];   /* Ed25519 public key */
    uint8_t audience[32]; /* a relay's key (request, response) or a zone id (publish) */
    uint64_t counter;
    struct bytes body;  /* borrowed: msgpack array of items */
    struct bytes whole; /* borrowed: all bytes of the frame */
};

/* §6.1 Reads the header and finds body and signature. Refuses (FRAME_*) other magic or version, an unknown kind, reserved
 * bytes that are not zero, a body over the bound or empty, truncation and bytes after the end. Checks no signature. */
bool proof_frame_read(struct proof_frame *frame, struct bytes in, struct proof_result *result);

/* §6.1 Walks every item, then verifies the sender's signature. Refuses with ITEM_* (at = index of the item) or
 * SIGNATURE_*. A frame that was accepted here can be iterated without errors. */
enum proof_verdict proof_frame_verify(const struct proof_frame *frame, struct proof_result *result);

enum proof_item_type {
    PROOF_ITEM_NONE = 0,
    PROOF_ITEM_RANGE = 1,
    PROOF_ITEM_ATTESTATION = 2,
    PROOF_ITEM_HEARTBEAT = 3,
    PROOF_ITEM_ASK = 4,
    PROOF_ITEM_REFUSAL = 5,
    PROOF_ITEM_GOODBYE = 6,
    PROOF_ITEM_EVIDENCE = 7,
    PROOF_ITEM_ASK_HEADER = 8,
};

/* §6.1 reasons of a refusal item. */
enum proof_refusal {
    PROOF_REFUSAL_NONE = 0,
    PROOF_REFUSAL_UNKNOWN_LOG = 1,   /* not a log of this network, as far as this relay knows */
    PROOF_REFUSAL_NOT_PERMITTED = 2, /* not shown to this audience */
    PROOF_REFUSAL_NOT_HERE = 3,      /* no attested head at or beyond `from` here (yet) */
    PROOF_REFUSAL_PRUNED = 4,        /* settled and no longer kept */
    PROOF_REFUSAL_BUSY = 5,          /* over a budget: ask later */
};

/* "unknown-log" and so on; "unknown" for other numbers. Static storage. */
const char *proof_refusal_name(uint64_t refusal);

/* Records from .. from + count - 1 of a log: message records or outcome records, as the log's kind says. Read them with a
 * codec_reader and proof_message_read or proof_outcome_read; all bytes must be used up after count records. */
struct proof_item_range {
    uint8_t log[32];
    uint64_t from;      /* >= 1; from + count does not pass 2^64 - 1 */
    uint8_t before[32]; /* R_{from-1} */
    uint16_t count;     /* 1..PROOF_RANGE_MAX */
    struct bytes records;
};

/* A signature over a root, and leaves with their paths. */
struct proof_item_attestation {
    enum proof_suite suite;
    uint8_t key_id[32];
    uint8_t root[32];
    uint8_t signature[64];
    uint16_t count;      /* leaves, 1..PROOF_ITEM_LEAVES_MAX */
    struct bytes leaves; /* their msgpack, without the array header: proof_item_leaves_next, proof_pack_leaf */
};

struct proof_item_leaf {
    struct proof_leaf leaf;
    struct bytes path; /* siblings, 32 bytes each, 0..16 */
};

struct proof_item_heartbeat {
    uint64_t time; /* Unix seconds of the sender */
    uint64_t document_version;
    uint8_t document_hash[32];
    uint16_t count;    /* logs, 0..PROOF_ITEM_LOGS_MAX */
    struct bytes logs; /* their msgpack, without the array header: proof_item_logs_next, proof_pack_log */
    uint8_t root[32];
};

struct proof_item_log {
    struct proof_head head; /* number 0: the empty log, running = log id */
    uint64_t settled;       /* <= number */
};

struct proof_item_ask {
    uint8_t log[32];
    uint64_t from; /* >= 1 */
    uint64_t to;   /* >= from */
    uint32_t max_bytes;
};

struct proof_item_refusal {
    uint8_t log[32];
    uint32_t reason; /* enum proof_refusal; other numbers are read, so that a newer peer is understood in part */
};

/* What a relay believed of a chain that proves its own headers, so that others can see for themselves. */
struct proof_item_evidence {
    uint8_t chain[32];    /* its identity under the suite of its contracts */
    struct bytes message; /* 1..PROOF_ITEM_EVIDENCE_MAX bytes: connector message 10 or 12, not looked into here */
};

struct proof_item_ask_header {
    uint8_t chain[32];
    uint64_t height; /* >= 1 */
};

struct proof_item {
    enum proof_item_type type;
    struct bytes raw; /* the item's own msgpack, when it was read; ignored when written */
    union {
        struct proof_item_range range;
        struct proof_item_attestation attestation;
        struct proof_item_heartbeat heartbeat;
        struct proof_item_ask ask;
        struct proof_item_refusal refusal;
        struct proof_item_evidence evidence;
        struct proof_item_ask_header ask_header;
    };
};

/* Reads exactly one item from its msgpack, its leaves and logs included (not its records). ITEM_*, LEAF_*. */
bool proof_item_read(struct proof_item *item, struct bytes raw, struct proof_result *result);

/* Walks a frame's body to its last byte: 1..PROOF_FRAME_ITEMS_MAX items that proof_item_read accepts, and nothing more
 * (FRAME_BODY, or an item's reason with at = index of the item). proof_frame_verify begins with it. */
bool proof_items_check(struct bytes body, struct proof_result *result);

/* The items of a verified frame: init, then next until it is false. */
struct proof_items {
    struct codec_unpack in;
    uint32_t left;
};
void proof_items_init(struct proof_items *items, const struct proof_frame *frame);
bool proof_items_next(struct proof_item *item, struct proof_items *items);

/* The leaves of an attestation item, the logs of a heartbeat. */
struct proof_item_parts {
    struct codec_unpack in;
    uint32_t left;
};
void proof_item_leaves_init(struct proof_item_parts *parts, const struct proof_item_attestation *item);
bool proof_item_leaves_next(struct proof_item_leaf *leaf, struct proof_item_parts *parts);
void proof_item_logs_init(struct proof_item_parts *parts, const struct proof_item_heartbeat *item);
bool proof_item_logs_next(struct proof_item_log *log, struct proof_item_parts *parts);

/* One leaf of an attestation item as proof_attestation_verify takes it; borrows from both. */
void proof_item_attestation_of(struct proof_attestation *attestation, const struct proof_item_attestation *item,
                               const struct proof_item_leaf *leaf);

/* Appends one entry to the encoded list that an item's leaves or logs point to. Check pack->failed. */
void proof_pack_leaf(struct codec_pack *pack, const struct proof_item_leaf *leaf);
void proof_pack_log(struct codec_pack *pack, const struct proof_item_log *log);

/* Appends a whole item. False (and the writer has failed) when it does not fit or proof_item_read would refuse it. */
bool proof_item_write(struct codec_pack *pack, const struct proof_item *item);

/* A frame under construction. Owns a buffer that grows up to the bound given to init and is kept between frames. */
struct proof_frame_writer {
    struct codec_pack pack;
    uint32_t items;
};

/* max: bytes of a whole frame, <= PROOF_FRAME_BYTES_MAX. */
void proof_frame_writer_init(struct proof_frame_writer *writer, size_t max);
void proof_frame_writer_fini(struct proof_frame_writer *writer);

/* Adds an item; false, and the frame stays as it was, when it is refused, would pass the bound, or is one too many. */
bool proof_frame_add(struct proof_frame_writer *writer, const struct proof_item *item);
/* The same with an item's msgpack, as received or stored. It is checked. */
bool proof_frame_add_raw(struct proof_frame_writer *writer, struct bytes raw);
/* How many more bytes of items fit. */
size_t proof_frame_room(const struct proof_frame_writer *writer);

/* Closes and signs the frame: header's kind, network, audience and counter are used, sender is the secret's public key. The
 * view *out is borrowed until the next call on this writer; the writer is empty again. False (out empty) without items, for
 * a bad kind, or when signing fails. */
bool proof_frame_finish(struct proof_frame_writer *writer, const struct proof_frame *header, const uint8_t secret[32],
                        struct bytes *out);

#endif
