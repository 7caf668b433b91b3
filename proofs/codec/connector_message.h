/*
 * The messages of the connector protocol (docs/connector-protocol.md) as structs. How they are read and written:
 * proofs/codec/connector.h. Every view is borrowed.
 */
#ifndef ISTHMUS_PROOFS_CODEC_CONNECTOR_MESSAGE_H
#define ISTHMUS_PROOFS_CODEC_CONNECTOR_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/connector_kinds.h"

/* A lane, with ids under the suite of the connected chain's contracts. */
struct connector_lane {
    uint8_t id[32];
    uint8_t network[32];
    uint8_t source[32];
    uint8_t outbox[32];
    uint8_t sender[32];
    uint8_t destination[32];
    uint8_t inbox[32];
    uint8_t receiver[32];
    uint8_t mode;
    uint32_t generation;
    uint8_t suites;
};

struct connector_manifest {
    uint32_t protocol;
    struct bytes name, version;
    const struct bytes *families;
    size_t families_len;
    bool slot, receipts, ics23; /* evidence kinds, listed ascending */
};

struct connector_option {
    struct bytes key, value;
};

struct connector_configure {
    uint32_t protocol;
    struct bytes chain; /* CAIP-2 */
    uint8_t genesis[32];
    const struct connector_option *options;
    size_t options_len;
};

struct connector_configured {
    bool ok;
    struct bytes text;
};

struct connector_subscribe {
    uint32_t watch;
    uint8_t kind; /* connector_log_kind */
    uint8_t log[32];
    struct connector_lane lane;
    uint64_t from; /* >= 1 */
    uint8_t running[32];
    uint64_t height;
    uint64_t credit;
};

struct connector_credit {
    uint32_t watch;
    uint64_t bytes;
};

struct connector_unsubscribe {
    uint32_t watch;
};

struct connector_position {
    uint32_t watch;
    uint8_t kind; /* 1 or 2 */
    struct connector_lane lane;
};

struct connector_header {
    uint64_t height;
    uint8_t hash[32];
    uint64_t time;
    struct bytes header;
};

struct connector_records {
    uint32_t watch;
    uint64_t from;
    uint32_t count; /* from 1 */
    struct bytes records;
};

/* One log of an evidence message: it stands at (number, running). */
struct connector_mark {
    uint32_t watch;
    uint64_t number;
    uint8_t running[32];
};

/* One slot of a kind 1 proof. */
struct connector_slot {
    uint8_t slot[32];
    const struct bytes *nodes;
    size_t nodes_len;
};

struct connector_evidence {
    uint8_t kind; /* connector_evidence_kind */
    uint64_t height;
    struct bytes header;
    uint8_t account[32];
    const struct bytes *items; /* kind 1: nodes of the account proof; kind 2: receipts */
    size_t items_len;
    const struct connector_slot *slots; /* kind 1: as many as marks, in their order; kind 2: none */
    size_t slots_len;
    const struct connector_mark *marks; /* 1 … CODEC_CONNECTOR_MARKS_MAX */
    size_t marks_len;
    /* kind 3: the whole proof, one msgpack value, as proofs/cometbft_evidence.h reads it; account, items, slots are not used */
    struct bytes proof;
};

struct connector_ask_header {
    uint64_t height;
};

struct connector_ask_again {
    uint32_t watch;
    uint64_t from;
    uint8_t running[32];
    uint64_t height;
};

/* A validator broke its chain's rules. */
struct connector_offence {
    uint8_t kind; /* connector_offence_kind */
    uint64_t height;
    struct bytes header; /* of that height */
    struct bytes proof;  /* kind 1: tendermint.types.DuplicateVoteEvidence */
};

struct connector_attestation {
    struct bytes path; /* siblings from the leaf up, 32 bytes each */
    struct bytes signature;
};

struct connector_certificate {
    bool present; /* false: [] */
    uint64_t epoch;
    uint8_t leaf_kind;   /* 1 … 4 */
    struct bytes fields; /* of the leaf, as docs/formats.md section 5 without the tag */
    const struct connector_attestation *attestations;
    size_t attestations_len;
};

struct connector_submit {
    uint8_t key[32];
    uint8_t action; /* connector_action */
    struct connector_lane lane;
    struct connector_certificate certificate;
    uint64_t from;
    uint8_t prior[32];
    uint32_t count; /* may be 0: a head, ruling or closing record alone */
    struct bytes records;
};

struct connector_result {
    uint8_t key[32];
    uint8_t result; /* connector_outcome */
    uint64_t height;
    struct bytes transaction; /* at most 64 bytes; may be empty */
    struct bytes text;
};

struct connector_ask_result {
    uint8_t key[32];
};

struct connector_position_is {
    uint32_t watch;
    uint64_t height;
    uint64_t time;
    uint64_t accepted;
    uint8_t running[32];
    uint64_t decided;
    uint64_t undecided;
};

struct connector_status {
    uint64_t newest, final_height, newest_time;
    struct bytes balance; /* decimal digits, or empty */
    struct bytes text;
};

struct connector_notice {
    uint8_t code; /* connector_notice_code */
    struct bytes text;
};

struct connector_cannot {
    uint8_t type;       /* connector_type of the request */
    struct bytes about; /* 1 … 32 bytes: height (u64), watch (u32) or key */
    struct bytes text;
};

/* The submitting account. Amounts in the chain's smallest unit, decimal digits. */
struct connector_account {
    struct bytes balance; /* empty: not read yet */
    uint8_t low;          /* 1: the balance is below what the operator wants to be told of */
    struct bytes spent;   /* within the last 24 hours, as far as this connector knows */
    struct bytes cap;     /* empty: none */
    uint8_t spending;     /* connector_spending */
};

#endif
