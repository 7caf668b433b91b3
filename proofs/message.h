/*
 * Messages (docs/formats.md §3): record, digest, commitment. Nothing here allocates; a message read from a record borrows
 * the record's bytes.
 */
#ifndef ISTHMUS_PROOFS_MESSAGE_H
#define ISTHMUS_PROOFS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/proof.h"
#include "proofs/suite.h"

#define PROOF_RANGE_MAX 256 /* most records in one range, and most digests in one inbox call */

enum proof_form {
    PROOF_FORM_FULL = 0,
    PROOF_FORM_SEALED = 1,    /* the payload is a ciphertext for the receiver */
    PROOF_FORM_HASH_ONLY = 2, /* payload and salt never enter the outbox, nor a record */
};

/* "full", "sealed", "hash-only"; "unknown" for anything else. Static storage. */
const char *proof_form_name(enum proof_form form);

struct proof_message {
    uint64_t sequence; /* from 1; not in the record: the range that holds the record gives it */
    uint64_t time;     /* Unix seconds of the source block */
    uint64_t deadline; /* Unix seconds, > time */
    enum proof_form form;
    uint32_t class;
    uint8_t value[32]; /* u256, big-endian */
    uint8_t suites;    /* set of suites (proofs/suite.h) */
    /* Borrowed: 32 bytes for each suite of the set, lowest bit first. */
    const uint8_t *commitments;
    bool has_payload;
    uint8_t salt[32];     /* zero without a payload */
    struct bytes payload; /* borrowed; may be empty with has_payload */
};

/* Size of a record with `suites` suites and a payload of len bytes. */
#define PROOF_MESSAGE_RECORD_BYTES(suite_count, len) (91 + 32 * (size_t)(suite_count) + (size_t)(len))

/* Reads one record at the cursor; `sequence` is noted in the message. Strict: refuses truncation, an unknown form or
 * suite, deadline <= time, a payload over payload_max bytes, a payload in a hash-only record, salt or length without a
 * payload. On refusal the message is zeroed, the cursor has failed, and result says why (RECORD_*, at = sequence). */
bool proof_message_read(struct proof_message *message, struct codec_reader *reader, uint64_t sequence,
                        size_t payload_max, struct proof_result *result);

/* Writes the record; false (the writer has failed) when it does not fit or when proof_message_read would refuse it. */
bool proof_message_write(struct codec_writer *writer, const struct proof_message *message);

/* Size of this message's record in bytes. */
size_t proof_message_record_size(const struct proof_message *message);

/* §3 commitment = H(tag, salt || payload). */
void proof_message_commitment(uint8_t out[32], enum proof_suite suite, const uint8_t salt[32], struct bytes payload);

/* The commitment that the message carries for a suite; NULL when the suite is not in its set. */
const uint8_t *proof_message_commitment_of(const struct proof_message *message, enum proof_suite suite);

/* True when the message has a payload and, for every suite of `suites` (a non-empty part of the message's set), salt and
 * payload open the commitment. */
bool proof_message_commitment_check(const struct proof_message *message, uint8_t suites);

/* The same for the one suite `suite` over many messages: true when all that have a payload open their commitment; *at is
 * the index of the first that does not (count when all do). Side by side where the processor can. */
bool proof_message_commitments_check(const struct proof_message *messages, size_t count, enum proof_suite suite,
                                     size_t *at);

/* §3 digest under a suite; lane_id is the lane's id under that suite. */
void proof_message_digest(uint8_t out[32], enum proof_suite suite, const uint8_t lane_id[32],
                          const struct proof_message *message);

/* The digests of many messages, side by side where the processor can. */
void proof_message_digests(uint8_t (*out)[32], enum proof_suite suite, const uint8_t lane_id[32],
                           const struct proof_message *messages, size_t count);

#endif
