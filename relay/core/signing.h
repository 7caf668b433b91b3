/*
 * What the relay asks of its signer and what it hears back (isthmusd -x signer). The signer keeps the attesting keys and
 * the I7 guard; it verifies the evidence in the request for itself and never signs bytes handed to it.
 *
 * Messages are framed by the edge as u32 length || bytes over a stream socket; these functions read and write the bytes.
 * Strict: every truncation, extra byte and count over its limit is refused. Views are borrowed.
 */
#ifndef RELAY_CORE_SIGNING_H
#define RELAY_CORE_SIGNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/lane.h"

struct relay_source; /* relay/core/core.h */

enum {
    RELAY_SIGNING_VERSION = 1,
    RELAY_SIGNING_LOGS_MAX = 64,        /* logs in one request */
    RELAY_SIGNING_HEADS_MAX = 64,       /* heads of one log in one request */
    RELAY_SIGNING_MESSAGE_MAX = 8 << 20 /* bytes of a message */
};

/* One source's word on the header that the evidence stands on. `source`: index into the relay's configured sources. */
struct relay_signing_statement {
    uint16_t source;
    uint8_t header_hash[32];
};

/*
 * One log to attest: items from..from+count-1 (digests of messages, or outcome entries), which must lead through the
 * signer's own guard to the running hash that the evidence shows; then the numbers to be signed, ascending, none below
 * from - 1 and none above from + count - 1. For kind 3 the items are the outcome log's entries.
 *
 * from is guard + 1, or lower: then `prior` is the running hash at from - 1, the items up to the guard must lead from it
 * to the guard's own running hash, and so heads below the guard, whose signatures were lost, can be signed again: on
 * a hash chain only one way leads to the guard. Heads that cannot be verified are left out, and refused by name.
 */
struct relay_signing_log {
    uint8_t log[32];
    uint64_t from;
    uint8_t prior[32]; /* from == guard + 1: not used, the signer's own counts */
    uint32_t count;
    struct bytes items; /* 32 * count bytes */
    uint32_t heads_len;
    uint64_t heads[RELAY_SIGNING_HEADS_MAX];
};

struct relay_signing_request {
    uint64_t id;
    uint16_t chain;       /* index in the network document */
    uint8_t document[32]; /* relay_signing_document of what the relay runs; the signer refuses another */
    const struct relay_signing_statement *statements;
    size_t statements_len;
    struct bytes evidence; /* connector message 12, whole */
    const struct relay_signing_log *logs;
    size_t logs_len;
};

/*
 * A header of a chain that is followed by a light client, for the signer to step to: it keeps a trust of its own, and asks
 * for what lies between that and the evidence of a request.
 */
struct relay_signing_header {
    uint64_t id;
    uint16_t chain;
    uint8_t document[32];
    struct bytes bundle; /* as in connector message 10 */
};

enum relay_signing_answer_type {
    RELAY_SIGNING_ATTESTATION = 1, /* body: an attestation item (docs/formats.md 6.1 type 2) */
    RELAY_SIGNING_REFUSAL = 2,     /* one log or the whole request refused */
    RELAY_SIGNING_GUARD = 3,       /* told at start for every log it has signed (id 0; the last one is of no log and has
                                    * `last` set), and before a refusal "not-at-guard" */
    /* Where its light client of the chain `log` stands: told at start, after each header and request, and when evidence is
     * too far from there. body: u64, the height that it needs a header of; 0 none. */
    RELAY_SIGNING_TRUST = 4
};

struct relay_signing_answer {
    enum relay_signing_answer_type type;
    uint64_t id;         /* of the request; 0 for unasked guards */
    uint8_t log[32];     /* REFUSAL (zero: whole request), GUARD; TRUST: the chain's identity */
    uint64_t number;     /* GUARD: last number signed; TRUST: height, 0 not begun */
    uint8_t running[32]; /* GUARD: its running hash; TRUST: the header's */
    bool last;           /* no more answers to this request follow */
    struct bytes body;   /* ATTESTATION: item; REFUSAL: reason text */
};

/*
 * What relay and signer must both have read: the network document (its hash) and the sources, in their order, with their
 * tags, as statements name sources by index. One that was edited while the other ran gives another hash. False: not computed.
 */
bool relay_signing_document(uint8_t out[32], const uint8_t network_hash[32], const struct relay_source *sources,
                            size_t sources_len);

/* A message of which sort came: false for one of neither. */
bool relay_signing_is_header(struct bytes message);
size_t relay_signing_header_write(uint8_t *out, size_t cap, const struct relay_signing_header *header);
bool relay_signing_header_read(struct relay_signing_header *header, struct bytes message);

/* Writes into out (capacity cap); returns the length, 0 when it does not fit or counts are over their limits. */
size_t relay_signing_request_write(uint8_t *out, size_t cap, const struct relay_signing_request *request);
size_t relay_signing_answer_write(uint8_t *out, size_t cap, const struct relay_signing_answer *answer);

/* Reads; false when malformed. `statements` and `logs` are caller's arrays of RELAY_SOURCES_MAX and RELAY_SIGNING_LOGS_MAX. */
bool relay_signing_request_read(struct relay_signing_request *request, struct relay_signing_statement *statements,
                                struct relay_signing_log *logs, struct bytes message);
bool relay_signing_answer_read(struct relay_signing_answer *answer, struct bytes message);

#endif
