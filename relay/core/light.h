/*
 * What the core keeps of a chain that it follows by a light client (docs/light-client-cometbft.md), and what the files that do so
 * offer: trust.c, light.c, facts.c, want.c, far.c, witness.c, teach.c, offence.c. For relay/core alone, through parts.h.
 *
 * One item is verified at a time: each stands on the trust that the one before left. What moved the trust counts once that trust
 * is on disk (I2), and no header below the newest trusted one is ever believed again, but those that are remembered here.
 *
 * Memory is bounded: a queue, the newest states with their bundles (at most 64 KiB each), one space.
 */
#ifndef RELAY_CORE_LIGHT_H
#define RELAY_CORE_LIGHT_H

#include "proofs/codec/connector.h"
#include "proofs/cometbft_evidence.h"
#include "proofs/frame.h"
#include "relay/core/core.h"
#include "relay/core/signing.h"
#include "relay/core/verify.h"

struct core_evidence;
struct relay_core;
struct core_log;

enum {
    CORE_LIGHT_QUEUE = 16,        /* items that wait for verification, and as many proven ones for disk and witnesses */
    CORE_LIGHT_STATES = 32,       /* trusted headers that are remembered, the newest first; more than facts that wait */
    CORE_LIGHT_VALIDATORS = 1024, /* a bundle of 64 KiB holds fewer */
    CORE_LIGHT_KEYS = 256,
    CORE_FAR_ASKED = 8, /* headers that peers wait for */
    CORE_OFFENCES_QUEUE = 4,
    CORE_OFFENCES_KEPT = 32 /* each is said once, as long as it is remembered */
};

/* A header that is wanted of the sources, one after another. */
struct core_want {
    uint64_t height;   /* 0: none */
    uint64_t again;    /* ms: the next source is asked then */
    unsigned asked;    /* how often it was */
    uint32_t open;     /* sources that were asked and have not answered, as bits in the order of the chain's */
    size_t peer;       /* far.c: whose turn it was last */
    uint32_t not_peer; /* relay + 1 that is not asked: it asked for it; 0 none */
};

struct core_far_asked { /* a header that a peer asked for, and that is not here yet */
    uint16_t peer;
    uint64_t request, height, until; /* height 0: free; until: ms */
    uint64_t passed;                 /* ms: when this question was passed on last, for whomever */
};

struct core_light_state {
    struct proof_cometbft_state state; /* height 0: none */
    uint64_t from;                     /* height of the one from which it was verified */
    uint64_t since;                    /* ms: when it became trusted; 0: in an earlier life */
    uint64_t again;                    /* ms: when those who have not said it are asked again, while a fact waits */
    unsigned asked;                    /* how often they were */
    uint16_t said;                     /* sources that say this header, as bits in the order of the chain's */
    uint8_t *bundle, *next;            /* owned; bundle NULL for one of an earlier life */
    size_t bundle_len, next_len;
};

/* A piece of what a source sent, in the order in which it came. */
struct core_light_item {
    struct core_evidence *evidence; /* its bytes: message 12 whole, or a bundle */
    uint64_t height;                /* as the source says */
    struct bytes bundle, proof;     /* views into its bytes; proof empty: a header alone */
    uint64_t write;                 /* proven: the WRITE that must be committed first */
    uint16_t peer;                  /* relay that told it; RELAY_NO_SOURCE: a source of our own */
};

/* A validator that voted twice in one step. */
struct core_offence {
    uint64_t height; /* 0: none */
    int32_t round;
    uint32_t type;
    uint8_t address[COMETBFT_ADDRESS_BYTES];
    uint64_t power, total_power;
};

struct core_light {
    uint16_t chain;
    const struct relay_trust *first; /* NULL: the operator gave none */
    struct proof_cometbft_space *space;
    struct proof_cometbft_trust trust; /* latest.height 0: not begun */
    uint8_t *next;                     /* owned: the validators after it */
    size_t next_len;
    uint64_t write; /* the WRITE that holds it */
    struct core_light_state states[CORE_LIGHT_STATES];
    struct core_light_item queue[CORE_LIGHT_QUEUE], proven[CORE_LIGHT_QUEUE];
    size_t queue_len, proven_len;
    struct core_light_item step;  /* the header that was wanted; evidence NULL: not here yet */
    struct core_light_item other; /* witness.c: a header that contradicts a trusted one */
    bool verifying, expired;
    bool doubted; /* sources show another first header than the operator gave, and it was said */
    struct {
        struct core_light_item queue[CORE_OFFENCES_QUEUE];
        size_t queue_len;
        struct core_offence said[CORE_OFFENCES_KEPT]; /* a ring */
        uint64_t count;                               /* how many were said */
    } offences;
    struct core_want want, signer_want;
    struct core_far_asked asked[CORE_FAR_ASKED];
    size_t turn;            /* of sources, when headers are asked for */
    uint64_t teaching;      /* id of the header that the signer has not answered; 0 none */
    uint64_t teach_at;      /* ms: not before */
    bool signer_known;      /* it said where it stands */
    uint64_t signer_height; /* 0: not begun */
    uint64_t old_at;        /* ms: when evidence was last too old for it */
    unsigned old;           /* how often in a row */
};

/* ---- trust.c ---- */
/* What the store has of an earlier life. False: malformed. */
bool core_trust_restore(struct relay_core *core, uint16_t chain, struct bytes value);
/* The newest header that is trusted from now on, with what it was verified by; written. Copies next and bundle. */
void core_trust_take(struct relay_core *core, struct core_light *light, const struct proof_cometbft_trust *trust,
                     struct bytes next, struct bytes bundle);
/* A header that was verified from the one at `from`, at its place among the others; the oldest one goes. Copies next and bundle. */
void core_trust_remember(struct core_light *light, const struct proof_cometbft_state *state, int64_t from,
                         struct bytes next, struct bytes bundle);
/* NULL: that header is not remembered. */
struct core_light_state *core_trust_at(struct core_light *light, uint64_t height);
/* The newest trusted header that is not above a height: what is of below the newest one is judged from there. NULL: none. */
const struct core_light_state *core_trust_below(const struct core_light *light, uint64_t height);
/* The row of what is trusted now; light->write is the WRITE that holds it. */
void core_trust_write(struct relay_core *core, struct core_light *light);
/* What is remembered, not `light` itself. */
void core_trust_free(struct core_light *light);

/* ---- light.c ---- */
void core_lights_new(struct relay_core *core);
void core_lights_free(struct relay_core *core);
struct core_light *core_light_of(const struct relay_core *core, uint16_t chain);
/* Takes the reference. */
void core_light_evidence(struct relay_core *core, struct core_evidence *evidence,
                         const struct connector_evidence *message, struct bytes whole);
void core_light_header(struct relay_core *core, uint16_t source, const struct connector_header *header);
/* The same, of a peer. whole: what header and proof are views into. */
void core_light_give(struct relay_core *core, struct core_light *light, struct core_evidence *evidence, uint64_t height,
                     struct bytes header, struct bytes proof, struct bytes whole, uint16_t peer);
void core_light_told(struct relay_core *core, struct core_light *light, const struct connector_header *header,
                     uint16_t peer);
void core_light_verified(struct relay_core *core, struct relay_verify_job *job);
void core_light_committed(struct relay_core *core);
void core_light_tick(struct relay_core *core, uint16_t chain);
/* Why no fact of this chain is acted on: TRUST, ATTACK, SOURCES_DISAGREE; NONE: it is. */
enum relay_cause core_light_cause(const struct relay_core *core, uint16_t chain);
struct relay_verify_job *core_light_job(struct relay_core *core, struct core_light *light,
                                        const struct core_light_item *item, enum relay_verify_kind kind);
/* What is first in the queue is let go, and who told it blamed: nothing leads there. */
void core_light_let_go(struct relay_core *core, struct core_light *light);
/* Takes the first one out of `*len`, at least one; those behind it move up. */
struct core_light_item core_light_pop(struct core_light_item *items, size_t *len);
/* Begins what is next, if nothing is under way. */
void core_light_drive(struct relay_core *core, struct core_light *light);
void core_light_expire(struct relay_core *core, struct core_light *light);

/* ---- facts.c ---- */
/* What an item proved, from now on in light->proven until it counts. */
void core_facts_take(struct core_light *light, struct core_light_item item,
                     const struct proof_cometbft_evidence_fact *fact);
void core_facts_apply(struct relay_core *core, struct core_light *light);

/* ---- want.c ---- */
/* Asks the next source for a header, or, where there is none, the next peer; want->again says when the one after it is to be asked.
 * False: nobody is there. */
bool core_want_ask(struct relay_core *core, struct core_light *light, struct core_want *want);
/* A header of a source is what it was asked for; once for each time it was. */
bool core_want_answers(const struct relay_core *core, const struct core_light *light, struct core_want *want,
                       uint16_t source, uint64_t height);

/* A source shows another first header than the operator gave. */
void core_want_differs(struct relay_core *core, struct core_light *light, const struct core_light_item *item);
/* The operator's header is here: who showed another one in its place lied. */
void core_want_begun(struct relay_core *core, struct core_light *light);

/* ---- far.c ---- */
/* Tells the neighbour zones what was believed (message 10 or 12), not back where it came from; of a source: when it is our turn. */
void core_far_tell(struct relay_core *core, const struct core_light *light, uint16_t from_peer, uint64_t height,
                   struct bytes message);
void core_far_tell_newest(struct relay_core *core, const struct core_light *light, uint16_t from_peer);
bool core_far_ask(struct relay_core *core, const struct core_light *light, struct core_want *want);
void core_far_asked(struct relay_core *core, const struct proof_item_ask_header *ask, uint16_t peer, uint64_t request);
/* A header is here: peers who asked for one of its height get it. They verify it, so it need not be true. */
void core_far_arrived(struct relay_core *core, struct core_light *light, const struct connector_header *header);
void core_far_frame(struct relay_core *core, struct bytes body, uint16_t peer);
/* Evidence that this relay verified shows this very head, though its records are not all here. */
bool core_far_proves(const struct core_log *log, uint64_t number, const uint8_t running[32]);
/* Records came: what was proven of them before is noted. Logs that are not at home here. */
void core_far_retry(struct relay_core *core, struct core_log *log);
bool core_far_apply(struct relay_core *core, struct core_evidence *evidence); /* true: news */
/* Peers whose question was not answered in time are told so. */
void core_far_tick(struct relay_core *core, struct core_light *light);

/* ---- witness.c ---- */
/* Each source is a witness of what another one proved. True: this header contradicts one that is trusted. */
bool core_witness_header(struct relay_core *core, struct core_light *light, uint16_t source, uint64_t height,
                         const uint8_t hash[32], struct bytes bundle);
/* True: time and height of this one contradict a header that is trusted; the two are judged next. */
bool core_witness_beside(struct relay_core *core, struct core_light *light, uint16_t source, struct bytes bundle);
void core_witness_trusted(struct relay_core *core, struct core_light *light, uint64_t height, uint16_t teller);
/* Asks, when it is time, those who have not said yet whether this fact's header is theirs, too. */
void core_witness_ask(struct relay_core *core, struct core_light *light, const struct core_light_item *fact);
/* One of them is up, and has not been asked often enough. */
bool core_witness_waits(struct relay_core *core, struct core_light *light, const struct core_light_item *fact);
/* Another source says another hash of this height: which one is true is not left until evidence comes. */
bool core_witness_disputes(const struct relay_core *core, uint16_t source, const struct connector_header *header);
/* Ends sources that said a hash and show no header of it. */
void core_witness_tick(struct relay_core *core, uint16_t chain);
/* False: there is nothing left to be judged. */
bool core_witness_job(struct relay_core *core, struct core_light *light);
void core_witness_verified(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job);
void core_witness_down(struct relay_core *core, uint16_t source);
/* This source shows another header than the one trusted here, at this height or below it. What it says beyond does not follow from what
 * is trusted, and is not held against it: it may be the only one that tells the truth. */
bool core_witness_contests(const struct relay_core *core, uint16_t source, uint64_t height);
/* It was refused for another set than the header before it announced, and its source never said that one: it is asked now. */
bool core_witness_unheard(struct relay_core *core, struct core_light *light, uint16_t source,
                          const struct relay_verify_job *job);
bool core_witness_diverges(const struct relay_core *core, uint16_t chain);

/* ---- offence.c ---- */
void core_offence_take(struct relay_core *core, uint16_t source, const struct connector_offence *message,
                       struct bytes whole);
/* False: none is to be verified. */
bool core_offence_job(struct relay_core *core, struct core_light *light);
void core_offence_verified(struct relay_core *core, struct core_light *light, const struct relay_verify_job *job);

/* ---- teach.c ---- */
/* The signer verifies evidence from a trust of its own; it gets the headers in between that it asks for. */
bool core_teach_ready(const struct core_light *light);
void core_teach_header(struct relay_core *core, struct core_light *light, struct bytes bundle);
/* The last answer to a message to the signer. */
void core_teach_answered(struct relay_core *core, uint64_t id);
void core_teach_tick(struct relay_core *core, struct core_light *light);
void core_teach_told(struct relay_core *core, const struct relay_signing_answer *answer);
/* It refused a whole request, perhaps because it stands beyond that evidence: newer evidence is asked for. */
void core_teach_refused(struct relay_core *core, uint64_t request);
void core_teach_lost(struct relay_core *core);

#endif
