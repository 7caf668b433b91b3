/*
 * Fault points: places where a test ends a process, as a crash would. This is the one table of their names. They are compiled
 * in with ISTHMUS_FAULTS only; without it nothing of them is in the program, not even a name.
 *
 *     ISTHMUS_FAULT=NAME:COUNT isthmusd --config FILE
 *
 * ends the process that passes this point for the COUNTth time: isthmusd itself, or the first signer or the first connectors
 * that it starts; those that follow are not armed. The last words on stderr are `fault NAME`, the exit code is
 * EDGE_FAULT_EXIT. A connector's points are passed in connectors/sdk/fault.h, which knows no table.
 *
 * tests/integration/scene/fault_points sees that the table is whole: every type of message, every file that writes for good.
 */
#ifndef RELAY_EDGE_FAULT_H
#define RELAY_EDGE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    EDGE_FAULT_EXIT = 137, /* what a shell says of kill -9 */
    EDGE_FAULT_TEXT = 8192 /* room for the names of all points */
};

enum edge_fault_role { EDGE_FAULT_RELAY, EDGE_FAULT_SIGNER, EDGE_FAULT_CONNECTOR };

#ifdef ISTHMUS_FAULTS

/* Role, point, name. */
#define EDGE_FAULTS(X)                                                                                                 \
    X(RELAY, COMMIT_BEFORE, "commit-before")       /* a batch is built, nothing is on disk */                          \
    X(RELAY, COMMIT_AFTER, "commit-after")         /* synced, and nobody knows */                                      \
    X(RELAY, COMMITTED_BEFORE, "committed-before") /* the loop knows, the core does not */                             \
    X(RELAY, COMMITTED_AFTER, "committed-after")   /* and what the core did about it */                                \
    X(RELAY, PUBLISH_BEFORE, "publish-before")                                                                         \
    X(RELAY, PUBLISH_AFTER, "publish-after")                                                                           \
    X(RELAY, REQUEST_BEFORE, "request-before")                                                                         \
    X(RELAY, REQUEST_AFTER, "request-after")                                                                           \
    X(RELAY, ANSWER_BEFORE, "answer-before")                                                                           \
    X(RELAY, ANSWER_AFTER, "answer-after")                                                                             \
    X(RELAY, PUBLISHED_BEFORE, "published-before") /* a frame arrived */                                               \
    X(RELAY, PUBLISHED_AFTER, "published-after")                                                                       \
    X(RELAY, REQUESTED_BEFORE, "requested-before")                                                                     \
    X(RELAY, REQUESTED_AFTER, "requested-after")                                                                       \
    X(RELAY, ANSWERED_BEFORE, "answered-before")                                                                       \
    X(RELAY, ANSWERED_AFTER, "answered-after")                                                                         \
    X(RELAY, SIGN_BEFORE, "sign-before") /* a request to the signer */                                                 \
    X(RELAY, SIGN_AFTER, "sign-after")                                                                                 \
    X(RELAY, SIGNED_BEFORE, "signed-before") /* an answer of the signer */                                             \
    X(RELAY, SIGNED_AFTER, "signed-after")                                                                             \
    X(RELAY, SOURCE_TELL_BEFORE, "source-tell-before") /* a message to a connector */                                  \
    X(RELAY, SOURCE_TELL_AFTER, "source-tell-after")                                                                   \
    X(RELAY, SOURCE_TOLD_BEFORE, "source-told-before") /* a message of a connector */                                  \
    X(RELAY, SOURCE_TOLD_AFTER, "source-told-after")                                                                   \
    X(RELAY, CONTROL_BEFORE, "control-before") /* an answer to the operator */                                         \
    X(RELAY, CONTROL_AFTER, "control-after")                                                                           \
    X(RELAY, SPENT_BEFORE, "spent-before") /* what a gas account spent today, on its way to disk */                    \
    X(RELAY, SPENT_AFTER, "spent-after")                                                                               \
    X(SIGNER, REQUEST_TAKEN, "signer-request-taken") /* read whole, not yet judged */                                  \
    X(SIGNER, GUARD_BEFORE, "signer-guard-before")   /* judged good, the guard not yet written */                      \
    X(SIGNER, GUARD_WRITTEN, "signer-guard-written") /* written, not synced */                                         \
    X(SIGNER, GUARD_SYNCED, "signer-guard-synced")   /* one word is given, and nobody has heard it */                  \
    X(SIGNER, GUARD_RENAME_BEFORE, "signer-guard-rename-before")                                                       \
    X(SIGNER, GUARD_RENAME_AFTER, "signer-guard-rename-after")                                                         \
    X(SIGNER, TRUST_BEFORE, "signer-trust-before") /* what is trusted of a chain: verified, not yet written */         \
    X(SIGNER, TRUST_SYNCED, "signer-trust-synced") /* written and synced, and nothing signed on it */                  \
    X(SIGNER, ANSWER_BEFORE_SEND, "signer-answer-before")                                                              \
    X(SIGNER, ANSWER_AFTER_SEND, "signer-answer-after")                                                                \
    X(SIGNER, REQUEST_DONE, "signer-request-done")                                                                     \
    X(CONNECTOR, CONNECTOR_CONFIGURE_BEFORE, "connector-takes-configure-before")                                       \
    X(CONNECTOR, CONNECTOR_CONFIGURE_AFTER, "connector-takes-configure-after")                                         \
    X(CONNECTOR, CONNECTOR_SUBSCRIBE_BEFORE, "connector-takes-subscribe-before")                                       \
    X(CONNECTOR, CONNECTOR_SUBSCRIBE_AFTER, "connector-takes-subscribe-after")                                         \
    X(CONNECTOR, CONNECTOR_CREDIT_BEFORE, "connector-takes-credit-before")                                             \
    X(CONNECTOR, CONNECTOR_CREDIT_AFTER, "connector-takes-credit-after")                                               \
    X(CONNECTOR, CONNECTOR_POSITION_BEFORE, "connector-takes-position-before")                                         \
    X(CONNECTOR, CONNECTOR_POSITION_AFTER, "connector-takes-position-after")                                           \
    X(CONNECTOR, CONNECTOR_ASK_HEADER_BEFORE, "connector-takes-ask-header-before")                                     \
    X(CONNECTOR, CONNECTOR_ASK_HEADER_AFTER, "connector-takes-ask-header-after")                                       \
    X(CONNECTOR, CONNECTOR_ASK_STATUS_BEFORE, "connector-takes-ask-status-before")                                     \
    X(CONNECTOR, CONNECTOR_ASK_STATUS_AFTER, "connector-takes-ask-status-after")                                       \
    X(CONNECTOR, CONNECTOR_SUBMIT_BEFORE, "connector-takes-submit-before")                                             \
    X(CONNECTOR, CONNECTOR_SUBMIT_AFTER, "connector-takes-submit-after")                                               \
    X(CONNECTOR, CONNECTOR_UNSUBSCRIBE_BEFORE, "connector-takes-unsubscribe-before")                                   \
    X(CONNECTOR, CONNECTOR_UNSUBSCRIBE_AFTER, "connector-takes-unsubscribe-after")                                     \
    X(CONNECTOR, CONNECTOR_ASK_AGAIN_BEFORE, "connector-takes-ask-again-before")                                       \
    X(CONNECTOR, CONNECTOR_ASK_AGAIN_AFTER, "connector-takes-ask-again-after")                                         \
    X(CONNECTOR, CONNECTOR_ASK_RESULT_BEFORE, "connector-takes-ask-result-before")                                     \
    X(CONNECTOR, CONNECTOR_ASK_RESULT_AFTER, "connector-takes-ask-result-after")                                       \
    X(CONNECTOR, CONNECTOR_MANIFEST, "connector-gives-manifest-before")                                                \
    X(CONNECTOR, CONNECTOR_CONFIGURED, "connector-gives-configured-before")                                            \
    X(CONNECTOR, CONNECTOR_HEADER, "connector-gives-header-before")                                                    \
    X(CONNECTOR, CONNECTOR_RECORDS, "connector-gives-records-before")                                                  \
    X(CONNECTOR, CONNECTOR_EVIDENCE, "connector-gives-evidence-before")                                                \
    X(CONNECTOR, CONNECTOR_RESULT, "connector-gives-result-before")                                                    \
    X(CONNECTOR, CONNECTOR_POSITION_IS, "connector-gives-position-is-before")                                          \
    X(CONNECTOR, CONNECTOR_STATUS, "connector-gives-status-before")                                                    \
    X(CONNECTOR, CONNECTOR_OFFENCE, "connector-gives-offence-before")                                                  \
    X(CONNECTOR, CONNECTOR_NOTICE, "connector-gives-notice-before")                                                    \
    X(CONNECTOR, CONNECTOR_CANNOT, "connector-gives-cannot-before")                                                    \
    X(CONNECTOR, CONNECTOR_ACCOUNT, "connector-gives-account-before")                                                  \
    X(CONNECTOR, CONNECTOR_WRITE_BEFORE, "connector-writes-bytes-before") /* whatever waits, to the relay */           \
    X(CONNECTOR, CONNECTOR_WRITE_AFTER, "connector-writes-bytes-after")                                                \
    X(CONNECTOR, CONNECTOR_TRANSACTION_BEFORE, "connector-gives-transaction-before") /* to its chain */                \
    X(CONNECTOR, CONNECTOR_TRANSACTION_AFTER, "connector-gives-transaction-after")

enum edge_fault {
#define X(role, point, name) EDGE_FAULT_##point,
    EDGE_FAULTS(X)
#undef X
};

/* Reads the variable. The point is armed if it is of this process's role. False: the variable names no point, or no count
 * from 1 on; text (capacity cap) says so and lists all points with their roles, a line each. */
bool edge_fault_arm(enum edge_fault_role role, char *text, size_t cap);

/* A pass; does not come back from the one that is armed. Any thread. */
void edge_fault(enum edge_fault point);
#define EDGE_FAULT(point) edge_fault(EDGE_FAULT_##point)

#else

#define EDGE_FAULT(point)               ((void)0)
#define edge_fault_arm(role, text, cap) ((void)(role), (void)(text), (void)(cap), true)

#endif
#endif
