/*
 * Every key and value format of the store, and nothing else. Keys are big-endian, so that byte order is number order;
 * every value begins with its version. docs/formats.md section 6.2.
 *
 *   family    key                            value
 *   META      name                           (the store's own)
 *   LOG       log id 32                      marks of the log (struct keys_log)
 *   SEGMENT   log id 32 | from u64           records from `from` on, at most 256 (struct keys_segment)
 *   SKELETON  log id 32 | from u64           digests and outcomes of pruned messages (struct keys_skeleton)
 *   HEAD      log id 32 | N u64 | key id 32  one signed head (struct keys_head); | 1 more byte: this key's second word for N
 *   CHAIN     chain identity 32              newest agreed header (struct keys_chain)
 *   CHAIN     chain identity 32 | 1          trust of its light client (struct keys_trust)
 *   AUDIT     number u64                     one held, refused or dropped thing (struct keys_audit)
 */
#ifndef RELAY_STORE_KEYS_H
#define RELAY_STORE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/suite.h"

enum {
    KEYS_VERSION = 1,
    KEYS_LOG_BYTES = 32,
    KEYS_SEGMENT_BYTES = 40,
    KEYS_HEAD_BYTES = 72,
    KEYS_HEAD_SECOND_BYTES = 73, /* the last one is 1 */
    KEYS_CHAIN_BYTES = 32,
    KEYS_TRUST_BYTES = 33, /* the last one is 1 */
    KEYS_AUDIT_BYTES = 8,
    KEYS_SKELETON_ENTRY = 37, /* digest 32 | status u8 | reason u32 */
    KEYS_EXPELLED_MAX = 64,   /* as many as a document has operators */
    KEYS_SMALL_VALUE_MAX = 1024
};

/* Marks of a log. base: everything up to it is settled here and its records are pruned; running: the hash there. */
struct keys_log {
    uint64_t base;
    uint8_t running[32];
    uint64_t proven;   /* this relay verified records up to here itself */
    uint64_t attested; /* its own signer signed up to here, and the signature is stored */
    uint64_t settled;
    uint64_t height; /* home chain: block up to which records were taken */
    uint8_t frozen;  /* reason number + 1, or 0 */
    /* Numbers of operators that signed two words. Not their places in the network document: the next one is without them. */
    uint16_t expelled[KEYS_EXPELLED_MAX];
    size_t expelled_len;
};

/* Where a segment came from. */
enum keys_origin { KEYS_ORIGIN_CHAIN = 1, KEYS_ORIGIN_MESH = 2 };

struct keys_segment {
    uint16_t count;
    uint8_t before[32]; /* running hash before the first record */
    uint64_t stored_at; /* ms, Unix */
    uint8_t origin;     /* keys_origin */
    uint16_t peer;      /* relay index, MESH only */
    struct bytes records;
};

struct keys_skeleton {
    uint16_t count;
    uint64_t stored_at, settled_at; /* ms, Unix */
    uint8_t origin;
    uint16_t peer;
    struct bytes entries; /* count * KEYS_SKELETON_ENTRY */
};

struct keys_head {
    enum proof_suite suite;
    uint8_t running[32];
    uint8_t root[32];
    uint8_t signature[64];
    struct bytes path;
};

struct keys_chain {
    uint64_t height;
    uint8_t hash[32];
    uint64_t time;
    uint8_t frozen;
};

/* What a light client remembers, and with which header its operator let it begin. */
struct keys_trust {
    uint64_t first_height;
    uint8_t first_hash[32];
    struct bytes trust;       /* docs/light-client-cometbft.md, "What is remembered" */
    struct bytes next;        /* the validators of the height after it */
    struct bytes bundle;      /* the newest header as it came; empty where it is not kept */
    struct bytes before_next; /* the validators after the header before; the same */
};

struct keys_audit {
    uint64_t time; /* ms, Unix */
    uint8_t level;
    uint16_t lane;
    uint64_t sequence;
    struct bytes reason, text;
};

void keys_segment_key(uint8_t out[KEYS_SEGMENT_BYTES], const uint8_t log[32], uint64_t from);
void keys_head_key(uint8_t out[KEYS_HEAD_BYTES], const uint8_t log[32], uint64_t number, const uint8_t key_id[32]);
void keys_trust_key(uint8_t out[KEYS_TRUST_BYTES], const uint8_t chain[32]);
void keys_audit_key(uint8_t out[KEYS_AUDIT_BYTES], uint64_t number);

/* Read back the number in a segment, skeleton or head key, and the key id of a head key. False: not of that shape. */
bool keys_segment_key_read(uint64_t *from, struct bytes key);
bool keys_head_key_read(uint64_t *number, uint8_t key_id[32], struct bytes key);
uint64_t keys_audit_key_read(struct bytes key); /* 0 when malformed */

/* Writers append to the cursor; check writer->failed. */
void keys_log_write(struct codec_writer *writer, const struct keys_log *value);
void keys_segment_write(struct codec_writer *writer, const struct keys_segment *value);
void keys_skeleton_write(struct codec_writer *writer, const struct keys_skeleton *value);
void keys_head_write(struct codec_writer *writer, const struct keys_head *value);
void keys_chain_write(struct codec_writer *writer, const struct keys_chain *value);
void keys_trust_write(struct codec_writer *writer, const struct keys_trust *value);
void keys_audit_write(struct codec_writer *writer, const struct keys_audit *value);

/* Readers borrow from value. False: unknown version or malformed; the caller stops and names the key. */
bool keys_log_read(struct keys_log *out, struct bytes value);
bool keys_segment_read(struct keys_segment *out, struct bytes value);
bool keys_skeleton_read(struct keys_skeleton *out, struct bytes value);
bool keys_head_read(struct keys_head *out, struct bytes value);
bool keys_chain_read(struct keys_chain *out, struct bytes value);
bool keys_trust_read(struct keys_trust *out, struct bytes value);
bool keys_audit_read(struct keys_audit *out, struct bytes value);

/* Bytes of a trust's value beside its four parts. */
enum { KEYS_TRUST_OVERHEAD = 1 + 8 + 32 + 4 * 4 };
/* Bytes of the fixed part of a segment or skeleton value, before its records or entries. */
enum { KEYS_SEGMENT_OVERHEAD = 1 + 2 + 32 + 8 + 1 + 2 + 4, KEYS_SKELETON_OVERHEAD = 1 + 2 + 8 + 8 + 1 + 2 + 4 };

#endif
