/*
 * What every verifier answers: a verdict, and when it refuses, why and where.
 *
 * A verdict is the return value of a function named proof_<what>_verify. Zeroed memory means PROOF_INVALID. A verifier
 * does no I/O, reads no clock, writes no log, allocates nothing unless its header says so, and keeps no state. It zeroes its
 * outputs (the fact) before anything else and fills them only when it returns PROOF_VALID.
 */
#ifndef ISTHMUS_PROOFS_PROOF_H
#define ISTHMUS_PROOFS_PROOF_H

#include <stddef.h>
#include <stdint.h>

enum proof_verdict {
    PROOF_INVALID = 0,
    PROOF_VALID,
    PROOF_NOT_ENOUGH_TRUST, /* sound, but too little trusted weight signed: try a step in between */
};

/* Reasons of all families: code name, text. Texts are stable names for logs, counters and reports: never reuse one. */
#define PROOF_REASONS(X)                                                                                               \
    X(NOT_CHECKED, "not-checked")                                                                                      \
    X(VALID, "valid")                                                                                                  \
    X(BAD_ARGUMENT, "bad-argument")                                                                                    \
    X(TOO_LARGE, "too-large")                                                                                          \
    X(TRUST_UNSET, "trust-unset")                                                                                      \
    /* RLP */                                                                                                          \
    X(RLP_NOT_CANONICAL, "rlp-not-canonical")                                                                          \
    X(RLP_TRAILING, "rlp-trailing-bytes")                                                                              \
    /* Merkle-Patricia tries */                                                                                        \
    X(MPT_KEY_SIZE, "mpt-key-size")                                                                                    \
    X(MPT_EMPTY_PROOF, "mpt-empty-proof")                                                                              \
    X(MPT_NODE_MISSING, "mpt-node-missing")                                                                            \
    X(MPT_NODE_UNUSED, "mpt-node-unused")                                                                              \
    X(MPT_NODE_HASH, "mpt-node-hash")                                                                                  \
    X(MPT_NODE_SHAPE, "mpt-node-shape")                                                                                \
    X(MPT_HEX_PREFIX, "mpt-hex-prefix")                                                                                \
    X(MPT_CHILD_REFERENCE, "mpt-child-reference")                                                                      \
    X(MPT_NOT_CANONICAL, "mpt-not-canonical")                                                                          \
    X(MPT_EMPTY_VALUE, "mpt-empty-value")                                                                              \
    X(MPT_KEY_LENGTH, "mpt-key-length")                                                                                \
    X(MPT_KEYS_UNSORTED, "mpt-keys-unsorted")                                                                          \
    /* Ethereum execution */                                                                                           \
    X(HEADER_FIELD_COUNT, "header-field-count")                                                                        \
    X(HEADER_HASH_MISMATCH, "header-hash-mismatch")                                                                    \
    X(HEADER_BAD_FIELD, "header-bad-field")                                                                            \
    X(ACCOUNT_MALFORMED, "account-malformed")                                                                          \
    X(STORAGE_MALFORMED, "storage-malformed")                                                                          \
    X(STORAGE_OF_ABSENT_ACCOUNT, "storage-of-absent-account")                                                          \
    X(RECEIPT_MALFORMED, "receipt-malformed")                                                                          \
    X(RECEIPT_TYPE, "receipt-type")                                                                                    \
    X(RECEIPTS_ROOT_MISMATCH, "receipts-root-mismatch")                                                                \
    /* CometBFT */                                                                                                     \
    X(COMETBFT_MALFORMED, "cometbft-malformed")                                                                        \
    X(COMETBFT_OPTIONS, "cometbft-options-unusable")                                                                   \
    X(COMETBFT_VERSION, "cometbft-block-protocol")                                                                     \
    X(COMETBFT_OTHER_CHAIN, "cometbft-other-chain")                                                                    \
    X(COMETBFT_HEIGHT, "cometbft-height-not-positive")                                                                 \
    X(COMETBFT_PROPOSER, "cometbft-proposer")                                                                          \
    X(COMETBFT_ROUND, "cometbft-round-negative")                                                                       \
    X(COMETBFT_COMMIT_HEIGHT, "cometbft-commit-other-height")                                                          \
    X(COMETBFT_COMMIT_BLOCK, "cometbft-commit-other-block")                                                            \
    X(COMETBFT_COMMIT_EMPTY, "cometbft-commit-without-signatures")                                                     \
    X(COMETBFT_FLAG, "cometbft-block-id-flag")                                                                         \
    X(COMETBFT_ABSENT, "cometbft-absent-vote-not-empty")                                                               \
    X(COMETBFT_ADDRESS_SIZE, "cometbft-address-size")                                                                  \
    X(COMETBFT_SIGNATURE_SIZE, "cometbft-signature-size")                                                              \
    X(COMETBFT_SIGNATURE, "cometbft-wrong-signature")                                                                  \
    X(COMETBFT_SET_EMPTY, "cometbft-validator-set-empty")                                                              \
    X(COMETBFT_SET_KEY_KIND, "cometbft-key-kind-not-verified")                                                         \
    X(COMETBFT_SET_ADDRESS, "cometbft-address-not-of-key")                                                             \
    X(COMETBFT_SET_POWER, "cometbft-voting-power")                                                                     \
    X(COMETBFT_SET_TOTAL, "cometbft-total-power-overflow")                                                             \
    X(COMETBFT_SET_ORDER, "cometbft-validators-not-in-order")                                                          \
    X(COMETBFT_SET_TWICE, "cometbft-validator-twice")                                                                  \
    X(COMETBFT_SET_HASH, "cometbft-validators-hash-mismatch")                                                          \
    X(COMETBFT_NEXT_SET_HASH, "cometbft-next-validators-hash-mismatch")                                                \
    X(COMETBFT_TRUSTED_SET, "cometbft-trusted-set-hash-mismatch")                                                      \
    X(COMETBFT_EXPIRED, "cometbft-trusting-period-over")                                                               \
    X(COMETBFT_NOT_NEWER, "cometbft-height-not-newer")                                                                 \
    X(COMETBFT_TIME, "cometbft-time-not-later")                                                                        \
    X(COMETBFT_FUTURE, "cometbft-time-in-the-future")                                                                  \
    X(COMETBFT_COUNT, "cometbft-commit-size-not-of-set")                                                               \
    X(COMETBFT_ADDRESS, "cometbft-address-not-at-index")                                                               \
    X(COMETBFT_VOTE_TWICE, "cometbft-vote-twice")                                                                      \
    X(COMETBFT_KEYS_DIFFER, "cometbft-one-address-two-keys")                                                           \
    X(COMETBFT_TOO_LITTLE_TRUST, "cometbft-too-little-trusted-power")                                                  \
    X(COMETBFT_NO_QUORUM, "cometbft-two-thirds-not-reached")                                                           \
    X(COMETBFT_NOT_PARENT, "cometbft-not-the-parent")                                                                  \
    X(COMETBFT_OTHER_HEIGHT, "cometbft-height-not-asked-for")                                                          \
    X(COMETBFT_FROZEN, "cometbft-frozen")                                                                              \
    X(COMETBFT_NO_CONFLICT, "cometbft-no-conflict")                                                                    \
    X(COMETBFT_VOTE_TYPE, "cometbft-vote-type")                                                                        \
    X(COMETBFT_VOTE_BLOCK, "cometbft-vote-block-id")                                                                   \
    X(COMETBFT_VOTE_EXTENSION, "cometbft-vote-extension")                                                              \
    X(COMETBFT_VOTES_APART, "cometbft-votes-not-of-one-step")                                                          \
    X(COMETBFT_VOTES_ORDER, "cometbft-votes-not-in-order")                                                             \
    X(COMETBFT_NOT_VALIDATOR, "cometbft-not-a-validator")                                                              \
    X(COMETBFT_CLAIM, "cometbft-evidence-other-power-or-time")                                                         \
    X(COMETBFT_BUNDLE, "cometbft-bundle-malformed")                                                                    \
    X(COMETBFT_LOG_VALUE, "cometbft-log-value-malformed")                                                              \
    X(COMETBFT_TX_PROOF, "cometbft-transaction-proof-shape")                                                           \
    X(COMETBFT_TX_LEAF, "cometbft-transaction-other-leaf")                                                             \
    X(COMETBFT_TX_ROOT, "cometbft-data-hash-mismatch")                                                                 \
    /* ICS-23 */                                                                                                       \
    X(ICS23_SPEC, "ics23-spec-unusable")                                                                               \
    X(ICS23_MALFORMED, "ics23-malformed")                                                                              \
    X(ICS23_DEPTH, "ics23-depth")                                                                                      \
    X(ICS23_LEAF, "ics23-leaf-not-of-spec")                                                                            \
    X(ICS23_INNER, "ics23-inner-not-of-spec")                                                                          \
    X(ICS23_INNER_LEAF, "ics23-inner-looks-like-leaf")                                                                 \
    X(ICS23_IAVL, "ics23-iavl-prefix")                                                                                 \
    X(ICS23_CHILD, "ics23-child-without-place")                                                                        \
    X(ICS23_EMPTY, "ics23-empty-key-or-value")                                                                         \
    X(ICS23_OTHER_KEY, "ics23-other-key")                                                                              \
    X(ICS23_ROOT, "ics23-root-mismatch")                                                                               \
    X(ICS23_NO_NEIGHBOUR, "ics23-absence-without-neighbour")                                                           \
    X(ICS23_KEY_ORDER, "ics23-key-not-between-neighbours")                                                             \
    X(ICS23_NOT_ADJACENT, "ics23-neighbours-not-adjacent")                                                             \
    X(STORE_ROOT, "store-root-not-a-digest")                                                                           \
    X(STORE_OTHER, "store-of-another-name")                                                                            \
    /* agreement of configured sources */                                                                              \
    X(AGREEMENT_TRUST, "agreement-trust-unusable")                                                                     \
    X(AGREEMENT_STATEMENT, "agreement-statement-malformed")                                                            \
    X(AGREEMENT_UNKNOWN_SOURCE, "agreement-unknown-source")                                                            \
    X(AGREEMENT_DUPLICATE, "agreement-duplicate-statement")                                                            \
    X(AGREEMENT_OTHER_CHAIN, "agreement-other-chain")                                                                  \
    X(AGREEMENT_OTHER_HEIGHT, "agreement-other-height")                                                                \
    X(AGREEMENT_CONTRADICTION, "agreement-contradiction")                                                              \
    X(AGREEMENT_TOO_FEW, "agreement-too-few-independent-sources")                                                      \
    /* evidence messages of connectors */                                                                              \
    X(EVIDENCE_MALFORMED, "evidence-malformed")                                                                        \
    X(EVIDENCE_OTHER_HEIGHT, "evidence-other-height")                                                                  \
    X(EVIDENCE_OTHER_ACCOUNT, "evidence-other-account")                                                                \
    X(EVIDENCE_OTHER_SLOT, "evidence-other-slot")                                                                      \
    X(EVIDENCE_LOGS, "evidence-other-logs")                                                                            \
    X(EVIDENCE_KIND, "evidence-kind-cannot-prove-this-log")                                                            \
    X(EVIDENCE_EVENT, "evidence-event-malformed")                                                                      \
    X(EVIDENCE_NO_EVENT, "evidence-block-without-event")                                                               \
    /* records, leaves */                                                                                              \
    X(RECORD_TRUNCATED, "record-truncated")                                                                            \
    X(RECORD_FORM, "record-unknown-form")                                                                              \
    X(RECORD_SUITES, "record-unknown-suites")                                                                          \
    X(RECORD_SEQUENCE, "record-sequence-zero")                                                                         \
    X(RECORD_DEADLINE, "record-deadline-not-after-time")                                                               \
    X(RECORD_PAYLOAD_FLAG, "record-payload-flag")                                                                      \
    X(RECORD_PAYLOAD_SIZE, "record-payload-too-large")                                                                 \
    X(RECORD_PAYLOAD_FORBIDDEN, "record-payload-in-hash-only")                                                         \
    X(RECORD_PAYLOAD_ABSENT, "record-salt-or-length-without-payload")                                                  \
    X(RECORD_STATUS, "record-unknown-status")                                                                          \
    X(RECORD_DIGEST, "record-digest-unset")                                                                            \
    X(RECORD_TRAILING, "record-trailing-bytes")                                                                        \
    X(LEAF_KIND, "leaf-unknown-kind")                                                                                  \
    X(LEAF_SIZE, "leaf-size")                                                                                          \
    X(LEAF_FIELD, "leaf-bad-field")                                                                                    \
    /* signed trees, signatures, certificates */                                                                       \
    X(MERKLE_PATH, "merkle-path-size")                                                                                 \
    X(MERKLE_ROOT, "merkle-root-mismatch")                                                                             \
    X(SUITE_UNKNOWN, "suite-unknown")                                                                                  \
    X(SUITE_MISMATCH, "suite-mismatch")                                                                                \
    X(KEY_MALFORMED, "key-malformed")                                                                                  \
    X(KEY_MISMATCH, "key-id-mismatch")                                                                                 \
    X(SIGNATURE_MALFORMED, "signature-malformed")                                                                      \
    X(SIGNATURE_WRONG, "signature-wrong")                                                                              \
    X(MEMBERS_COUNT, "members-count")                                                                                  \
    X(MEMBERS_ORDER, "members-not-ascending")                                                                          \
    X(MEMBERS_KEY_TWICE, "members-key-twice")                                                                          \
    X(MEMBERS_SIDES, "members-operator-on-two-sides")                                                                  \
    X(MEMBERS_OPERATORS, "members-too-many-operators")                                                                 \
    X(MEMBERS_QUORUM, "members-quorum")                                                                                \
    X(CERTIFICATE_EPOCH, "certificate-other-epoch")                                                                    \
    X(CERTIFICATE_SIZE, "certificate-size")                                                                            \
    X(CERTIFICATE_NOT_A_MEMBER, "certificate-key-not-in-epoch")                                                        \
    X(CERTIFICATE_KEY_TWICE, "certificate-key-twice")                                                                  \
    X(CERTIFICATE_TOO_FEW, "certificate-too-few-operators")                                                            \
    X(CERTIFICATE_SIDE_TOO_FEW, "certificate-side-too-few")                                                            \
    /* frames */                                                                                                       \
    X(FRAME_SIZE, "frame-size")                                                                                        \
    X(FRAME_MAGIC, "frame-magic")                                                                                      \
    X(FRAME_VERSION, "frame-unknown-version")                                                                          \
    X(FRAME_KIND, "frame-unknown-kind")                                                                                \
    X(FRAME_RESERVED, "frame-reserved-not-zero")                                                                       \
    X(FRAME_BODY, "frame-body-malformed")                                                                              \
    X(ITEM_TYPE, "item-unknown-type")                                                                                  \
    X(ITEM_MALFORMED, "item-malformed")                                                                                \
    X(ITEM_BOUNDS, "item-out-of-bounds")

enum proof_reason {
#define X(name, text) PROOF_REASON_##name,
    PROOF_REASONS(X)
#undef X
        PROOF_REASON_COUNT
};

/* Why, and the index of the offending part: node, field, receipt, statement; the verifier's header says which. */
struct proof_result {
    enum proof_reason reason;
    size_t at;
};

/* The stable kebab-case text of a reason; "unknown" for a number out of range. Static storage. */
const char *proof_reason_text(enum proof_reason reason);

/* "invalid", "valid" or "not-enough-trust". Static storage. */
const char *proof_verdict_text(enum proof_verdict verdict);

/* For verifiers: notes reason and at, and returns PROOF_INVALID, so that a refusal is one line. */
enum proof_verdict proof_refuse(struct proof_result *result, enum proof_reason reason, size_t at);

/* For verifiers: notes that all checks passed; the caller's next and last statement is return PROOF_VALID. */
void proof_accept(struct proof_result *result);

#endif
