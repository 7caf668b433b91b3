/*
 * Why the relay holds, refuses, retries or drops: one table, a stable name and a counter each (I5). Reasons of proofs/
 * (proof_reason_text) appear inside a note's text; these say what the relay did about it.
 */
#ifndef RELAY_CORE_REASON_H
#define RELAY_CORE_REASON_H

#define RELAY_REASONS(X)                                                                                               \
    X(READY, "ready")                                                                                                  \
    X(SOURCE_UP, "source-up")                                                                                          \
    X(SOURCE_DOWN, "source-down")                                                                                      \
    X(SOURCE_NOTICE, "source-notice")                                                                                  \
    X(SOURCE_PROTOCOL, "source-breaks-protocol")                                                                       \
    X(SOURCE_FAILOVER, "source-failover")                                                                              \
    X(SOURCE_CANNOT, "source-cannot")                                                                                  \
    X(SOURCES_DISAGREE, "sources-disagree")                                                                            \
    X(EVIDENCE_REFUSED, "evidence-refused")                                                                            \
    X(EVIDENCE_CONTRADICTS, "source-contradicts-own-head")                                                             \
    X(EVIDENCE_CROWDED, "evidence-dropped-crowded")                                                                    \
    X(CHAIN_REORGANISED, "chain-reorganised-past-finality")                                                            \
    X(CHAIN_ATTACKED, "chain-validators-lied")                                                                         \
    X(SOURCE_DIVERGES, "source-shows-another-header")                                                                  \
    X(WITNESS_SILENT, "source-silent-as-witness")                                                                      \
    X(DOUBLE_VOTE, "validator-voted-twice")                                                                            \
    X(TRUST_BEGUN, "light-client-begun")                                                                               \
    X(TRUST_EXPIRED, "light-client-trust-expired")                                                                     \
    X(TRUST_DIFFERS, "light-client-first-header-differs")                                                              \
    X(HEADER_MISSING, "header-not-to-be-had")                                                                          \
    X(RECORDS_REFUSED, "records-refused")                                                                              \
    X(RECORDS_MISSING, "records-do-not-lead-to-proof")                                                                 \
    X(WINDOW_FULL, "window-full")                                                                                      \
    X(SIGNER_DOWN, "signer-down")                                                                                      \
    X(SIGNER_REFUSED, "signer-refused")                                                                                \
    X(SIGNER_BEHIND, "signer-guard-behind")                                                                            \
    X(SIGNER_UNHEARD, "signer-heard-no-peer")                                                                          \
    X(HEAD_REFUSED, "head-refused")                                                                                    \
    X(HEAD_CONTRADICTS, "head-contradicts-proven")                                                                     \
    X(EQUIVOCATION, "operator-signed-two-words")                                                                       \
    X(CERTIFICATES_CONFLICT, "certificates-conflict")                                                                  \
    X(CERTIFIED, "certified")                                                                                          \
    X(CLAIM_REFUSED, "claim-refused")                                                                                  \
    X(CLAIM_UNSIGNED, "claim-without-signed-head")                                                                     \
    X(CLAIM_OVER_BUDGET, "claim-over-budget")                                                                          \
    X(CLAIM_REPLACED, "claim-replaced-by-certificate")                                                                 \
    X(PEER_REFUSED, "peer-refused")                                                                                    \
    X(DOCUMENT_DIFFERS, "network-document-differs")                                                                    \
    X(BASE_ADOPTED, "joined-at-certified-head")                                                                        \
    X(DIFFERENCE_PRUNED, "difference-pruned")                                                                          \
    X(SUBMITTED, "submitted")                                                                                          \
    X(SUBMIT_CONFIRMED, "submission-confirmed")                                                                        \
    X(SUBMIT_REJECTED, "submission-rejected")                                                                          \
    X(SUBMIT_UNKNOWN, "submission-unknown")                                                                            \
    X(SETTLED, "settled")                                                                                              \
    X(DISK_SCARCE, "disk-scarce")                                                                                      \
    X(STORE_FAILED, "store-failed")                                                                                    \
    X(STORE_MALFORMED, "store-value-malformed")                                                                        \
    X(NO_MEMORY, "no-memory")

enum relay_reason {
#define X(name, text) RELAY_REASON_##name,
    RELAY_REASONS(X)
#undef X
        RELAY_REASON_COUNT
};

/* The stable kebab-case name. Static storage; "unknown" for a number out of range. */
const char *relay_reason_text(unsigned reason);

/* How many there are. */
unsigned relay_reason_count(void);

#endif
