/*
 * The signer: the process that holds the attesting keys (isthmusd -x signer). It verifies each request for itself
 * against its own network document, sources and guard, and never signs bytes handed to it (DESIGN section 4, I7).
 *
 * attest() is the whole of its judgement and does no I/O but the guard's; edge_signer_main reads keys, enters the sandbox
 * and answers requests on descriptor 3. Nothing is allocated once it serves.
 *
 * A log is frozen, on disk and until a person thaws it, only on proof that its home chain holds another hash at the number that
 * this operator signed last: evidence that names that very number, or evidence to which the items lead by a way whose
 * numbers it fixes, past the guard's number. Items alone prove nothing: they come from the relay, which may be anybody's. What
 * merely does not lead to the evidence is refused ("items-do-not-lead-to-evidence"), as often as it comes. How much such a
 * proof is worth is the evidence's: a light client's is the chain's own word, while `agreement` is that of sources as the
 * relay tells it. So whoever took over the relay can freeze logs of `agreement` chains as he can have anything signed
 * there that leads on from the guard, and logs of chains that prove their own headers he cannot.
 */
#ifndef RELAY_EDGE_SIGNER_H
#define RELAY_EDGE_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/agreement.h"
#include "proofs/signature.h"
#include "relay/core/signing.h"
#include "relay/edge/config.h"
#include "relay/edge/guard.h"
#include "relay/edge/signer_light.h"
#include "topology/network.h"

/* Why a request, or one log of it, is refused: stable names, the body of a refusal. Reasons of proofs (proof_reason_text)
 * stand behind a colon: "evidence-refused:mpt-node-hash". */
#define EDGE_SIGNER_REASONS(X)                                                                                         \
    X(MALFORMED, "request-malformed")                                                                                  \
    X(DOCUMENT, "other-network-document-or-sources")                                                                   \
    X(CHAIN, "unknown-chain")                                                                                          \
    X(NO_KEY, "no-key-of-this-suite")                                                                                  \
    X(SOURCE, "statement-of-unknown-source")                                                                           \
    X(SINGLE_SOURCE, "single-source-without-dev")                                                                      \
    X(EVIDENCE_FORM, "evidence-malformed")                                                                             \
    X(EVIDENCE_LOG, "evidence-of-unknown-log")                                                                         \
    X(EVIDENCE, "evidence-refused")                                                                                    \
    X(HEADER_REFUSED, "header-refused")                                                                                \
    X(TOO_FAR, "header-in-between-needed")                                                                             \
    X(AGREEMENT, "agreement-refused")                                                                                  \
    X(HEADER, "agreed-on-another-header")                                                                              \
    X(UNKNOWN_LOG, "unknown-log")                                                                                      \
    X(LOG_TWICE, "log-twice")                                                                                          \
    X(LOG_CHAIN, "log-of-another-chain")                                                                               \
    X(LANE_STATE, "lane-paused-or-closed")                                                                             \
    X(EVIDENCE_KIND, "evidence-kind-not-accepted")                                                                     \
    X(NOT_IN_EVIDENCE, "log-not-in-evidence")                                                                          \
    X(FROZEN, "source-contradicts-own-head")                                                                           \
    X(NOT_AT_GUARD, "not-at-guard")                                                                                    \
    X(HEADS, "heads-not-ascending-or-out-of-range")                                                                    \
    X(DOES_NOT_LEAD, "items-do-not-lead-to-evidence")                                                                  \
    X(GUARD, "guard-not-written")                                                                                      \
    X(SIGNING, "signing-failed")                                                                                       \
    X(TOO_LARGE, "answer-too-large")

enum edge_signer_reason {
    EDGE_SIGNER_OK = 0,
#define X(name, text) EDGE_SIGNER_##name,
    EDGE_SIGNER_REASONS(X)
#undef X
};

/* "not-at-guard" and so on; "ok" for 0. Static storage. */
const char *edge_signer_reason_name(enum edge_signer_reason reason);

/* What the signer stands on; all of it trusted. Borrowed. */
struct edge_signer_trust {
    const struct topology_network *network;
    const struct relay_source *sources; /* as configured, in that order: statements name them by index */
    size_t sources_len;
    struct {
        struct proof_key key; /* suite NONE: no key of this suite */
        uint8_t secret[32];
    } keys[PROOF_SUITE_COUNT];
    bool dev;                        /* permits 1-of-1 */
    struct edge_signer_light *light; /* NULL: no chain proves its own headers */
    uint64_t (*unix_time)(void);     /* wanted where `light` is */
};

struct edge_signer;

/* Allocates all that it will ever need. guard and trust outlive it. NULL: no memory. */
struct edge_signer *edge_signer_new(const struct edge_signer_trust *trust, struct edge_guard *guard);
void edge_signer_free(struct edge_signer *signer); /* NULL is allowed */

/* Where answers go: whole messages of relay/core/signing.h; borrowed for the call. False: stop, nobody listens. */
struct edge_signer_out {
    void *context;
    bool (*answer)(void *context, struct bytes message);
};

/* Tells the guard of every log: what the relay hears first. */
bool edge_signer_greet(struct edge_signer *signer, const struct edge_signer_out *out);

/* Judges one request and answers it: one or more answers, the last one marked. False: the guard could not be written, or
 * nobody listens; the process must end. */
bool edge_signer_request(struct edge_signer *signer, struct bytes message, const struct edge_signer_out *out);

/* The process: reads keys and guard, enters the sandbox, serves descriptor `fd` until it is closed. Returns an exit code. */
int edge_signer_main(const struct config_relay *config, const struct topology_network *network, int fd);

/* `isthmusd -x guard`: prints one line a row ("LOG lane kind number running [frozen]") into a stream (a FILE *), after it
 * thawed the log whose id is `thaw` (NULL: none). The signer must not run. Returns an exit code. */
int edge_signer_guard_main(const struct config_relay *config, const struct topology_network *network, const char *thaw,
                           void *stream);

#endif
