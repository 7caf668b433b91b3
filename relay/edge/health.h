/*
 * Is this relay ready, and if not, why: the one judgement that /readyz, the metrics and `isthmus status` share. It goes
 * false again when a chain, a quorum, the signer or the disk is lost, and says so by name.
 */
#ifndef RELAY_EDGE_HEALTH_H
#define RELAY_EDGE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct edge_relay;

/* Cause: name. In the order in which they are told. */
#define EDGE_HEALTH_CAUSES(X)                                                                                          \
    X(STARTING, "starting")           /* pending state is being read */                                                \
    X(DRAINING, "draining")           /* it was told to stop */                                                        \
    X(STORE, "store-failed")          /* halted: nothing is taken until a restart; or a commit that does not end */    \
    X(DISK, "disk-full")              /* less free than budgets.free_bytes */                                          \
    X(DEAF, "mesh-deaf")              /* a door of the mesh does not answer our own call */                            \
    X(SIGNER, "signer-down")          /* this relay attests, and its signer is not up */                               \
    X(CHAIN_LOST, "chain-lost")       /* fewer sources up than the chain demands */                                    \
    X(CHAIN_STALLED, "chain-stalled") /* sources are up, but their newest heights stand still */                       \
    X(UNTRUSTED, "chain-untrusted")   /* its light client has no header that it may trust, or its validators lied */   \
    X(QUORUM, "quorum-lost")          /* so many operators' relays are away that k cannot sign */

enum edge_health_cause {
#define X(name, text) EDGE_HEALTH_##name,
    EDGE_HEALTH_CAUSES(X)
#undef X
        EDGE_HEALTH_COUNT
};

/* "chain-lost" and so on. Static storage. */
const char *edge_health_name(enum edge_health_cause cause);

/* How the sources of one chain stand. */
struct edge_health_chain {
    size_t total, up; /* configured here; up */
    size_t moving;    /* up, and their newest height moved within stall_s */
    uint16_t demanded;
};

/* How those who attest what arrives on one chain stand, as far as this relay can see: an operator counts as away when it
 * has relays that are linked to us and all of them are down (or it is ours, and the signer is down). */
struct edge_health_quorum {
    size_t operators, reachable;
    uint16_t needed;
};

/* What is remembered between looks: when each source's newest height moved last, that is: rose above all before. Nodes behind
 * one address that stand still at different heights do not move. now: ms, monotonic. */
struct edge_health;
struct edge_health *edge_health_new(size_t sources, uint64_t now); /* NULL: no memory */
void edge_health_free(struct edge_health *health);                 /* NULL is allowed */
void edge_health_note(struct edge_health *health, size_t source, uint64_t newest, uint64_t now);
uint64_t edge_health_still(const struct edge_health *health, size_t source, uint64_t now); /* ms */

/* Looks at the sources; call it about once a second. */
void edge_health_look(const struct edge_relay *relay);

/* Milliseconds since the newest height of a source moved (or since the start). */
uint64_t edge_health_still_ms(const struct edge_relay *relay, uint16_t source);

/* chain: index in the network document. False: no source of that chain here; nobody attests there. */
bool edge_health_chain(struct edge_health_chain *out, const struct edge_relay *relay, uint16_t chain);
bool edge_health_quorum(struct edge_health_quorum *out, const struct edge_relay *relay, uint16_t chain);

/* The causes that hold now, as bits (1 << cause); 0: ready. */
unsigned edge_health_causes(const struct edge_relay *relay);

enum { EDGE_HEALTH_STUCK_MS = 30000 }; /* for one commit or signature: a disk that is only slow ends it sooner */

/* A commit has taken so long that the disk counts as gone: everything waits for it, and nothing has failed. */
bool edge_health_store_stuck(const struct edge_relay *relay);

/* Whether a signer is needed and up: its process runs, it has spoken, and no request of ours has stayed without a word. */
bool edge_health_signer_up(const struct edge_relay *relay);

/* "ready", or one line for each cause: its name, what it is about, and what to do. At most cap - 1 bytes, whole lines. */
void edge_health_text(const struct edge_relay *relay, char *text, size_t cap);

#endif
