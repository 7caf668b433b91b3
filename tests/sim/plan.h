/*
 * A plan: everything that a seed decides before the world begins, as a list of what is sent and a list of faults. The run
 * itself draws its small accidents (which frame is lost) from the same seed, so a plan, or a part of it, always runs alike.
 */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include <stdio.h>

#include "tests/sim/world.h"

/* Code name, name, what it is aimed at, what makes it happen (fault.c), story: %a the target, %b the second one, %n the size, %t how long. */
#define SIM_FAULTS(X)                                                                                                  \
    X(KILL, "kill", RELAY, life, "%a is killed, and starts %t later")                                                  \
    X(TEAR, "tear", RELAY, life, "%a is killed in the middle of a write, and starts %t later")                         \
    X(POWER, "power", WORLD, life, "all relays lose power, and start %t later")                                        \
    X(GONE, "gone", LOST, life, "%a is gone for ever")                                                                 \
    X(FREEZE, "freeze", RELAY, life, "%a is stopped for %t, then goes on")                                             \
    X(CUT, "cut", LINK, link, "nothing from %a reaches %b for %t")                                                     \
    X(PART, "part", LINK, link, "%a and %b do not hear each other for %t")                                             \
    X(ISOLATE, "isolate", RELAY, link, "%a is cut off from everybody for %t")                                          \
    X(SPLIT, "split", WORLD, link, "the two sides are cut off from each other for %t")                                 \
    X(FLAP, "flap", LINK, link, "the link between %a and %b comes and goes for %t")                                    \
    X(LOSS, "loss", WORLD, line, "%n of 1000 published frames are lost for %t")                                        \
    X(DELAY, "delay", LINK, line, "frames from %a to %b take %n ms more for %t")                                       \
    X(JITTER, "jitter", LINK, line, "frames from %a to %b overtake each other, by up to %n ms, for %t")                \
    X(TWICE, "twice", LINK, line, "%n of 1000 frames from %a to %b arrive twice, for %t")                              \
    X(SLOW, "slow", LINK, line, "the line from %a to %b carries %n bytes a millisecond for %t")                        \
    X(DISK_FULL, "disk-full", RELAY, disk, "the disk of %a is full for %t")                                            \
    X(DISK_ERROR, "disk-error", RELAY, disk, "writes of %a fail for %t")                                               \
    X(DISK_LIES, "disk-lies", RELAY, disk, "writes of %a take effect and report failure, for %t")                      \
    X(DISK_READ, "disk-read", RELAY, disk, "%a is killed, starts, and cannot read its disk for %t")                    \
    X(DISK_SLOW, "disk-slow", RELAY, disk, "each write of %a takes %n ms more for %t")                                 \
    X(DISK_SCARCE, "disk-scarce", RELAY, disk, "the disk of %a is nearly full for %t")                                 \
    X(BACKUP, "backup", RELAY, store, "the store of %a is put back to what it was %t before")                          \
    X(STORE_LOST, "store-lost", RELAY, store, "%a loses its store, and starts %t later")                               \
    X(RESTORED, "restored", LOST, store, "store and guard of %a are put back to what they were %t before")             \
    X(REORG, "reorg", CHAIN, chain, "the newest %n blocks of the %a are replaced")                                     \
    X(STALL, "stall", CHAIN, chain, "the %a makes no block for %t")                                                    \
    X(REFUSE, "refuse", CHAIN, chain, "the %a takes no transaction for %t")                                            \
    X(LATE, "late", SOURCE, source, "source %b of %a answers %n ms late for %t")                                       \
    X(SOURCE_DOWN, "source-down", SOURCE, source, "source %b of %a is down for %t")                                    \
    X(SOURCE_CRASHES, "source-crashes", SOURCE, source,                                                                \
      "the connector of source %b of %a crashes again and again for %t")                                               \
    X(SOURCE_LIES, "source-lies", LIAR, source, "source %b of %a shows headers that the chain never had, for %t")      \
    X(SOURCE_FORGES, "source-forges", LIAR, source, "source %b of %a changes messages, for %t")                        \
    X(SOURCE_STRIPS, "source-strips", LIAR, source, "source %b of %a leaves payloads out, for %t")                     \
    X(SOURCE_INVENTS, "source-invents", LIAR, source,                                                                  \
      "source %b of %a invents messages under headers of its own, for %t")                                             \
    X(SOURCE_BOASTS, "source-boasts", LIAR, source, "source %b of %a says that every call is confirmed, for %t")       \
    X(HEADER_LATE, "header-late", SOURCE, source, "headers of source %b of %a come after what they prove, for %t")     \
    X(SIGNER_DOWN, "signer-down", OPERATOR, signer, "the signer of %a is down for %t")                                 \
    X(SIGNER_MUTE, "signer-mute", OPERATOR, signer, "answers of the signer of %a are lost for %t")                     \
    X(EQUIVOCATE, "equivocate", LOST, villain, "the operator of %a signs heads that no chain has, for %t")             \
    X(FORGE_OUTCOMES, "forge-outcomes", LOST, villain,                                                                 \
      "the operator of %a signs outcomes that no inbox decided, for %t")                                               \
    X(FORGE_HAVE, "forge-have", RELAY, villain, "%a boasts of logs that nobody has, for %t")                           \
    X(FORGE_RECORDS, "forge-records", RELAY, villain, "%a makes up records that no operator signed, for %t")           \
    X(STRIP, "strip", RELAY, tongue, "%a leaves the payloads out of all that it tells, for %t")                        \
    X(HIDE, "hide", LOST, tongue, "%a says of all that it is asked for that it keeps none any more, for %t")           \
    X(FLOOD, "flood", LOST, villain, "the operator of %a signs ever more messages that no chain has, for %t")          \
    X(FORGE_CALL, "forge-call", LOST, villain,                                                                         \
      "the operator of %a hands inboxes messages that it alone certified, for %t")                                     \
    X(FOOLED, "fooled", LOST, fooled, "all sources of %a invent the same %n messages for %t, then it loses its store") \
    X(TWO_KEYS, "two-keys", OPERATOR, villain, "the operator of %a signs with its second key, too, for %t")            \
    X(CLOCK_JUMP, "clock-jump", RELAY, clock_change, "the clock of %a jumps %n ms ahead")                              \
    X(CLOCK_WRONG, "clock-wrong", RELAY, clock_change, "the wall clock of %a is %n s ahead for %t")                    \
    X(CLOCK_LATE, "clock-late", RELAY, clock_change, "the wall clock of %a is %n s behind for %t")                     \
    X(DOCUMENT, "document", RELAY, document, "%a runs another network document, without the last lane, for %t")        \
    X(BURST, "burst", LANE, burst, "%n large messages are sent on %a")                                                 \
    X(FORGET, "forget", LANE, sim_ending,                                                                              \
      "delivered messages of %a are in no block any more; its next generation begins %t later, the far end closes "    \
      "%n ms after that")                                                                                              \
    X(ROTATE, "rotate", OPERATOR, sim_rotation,                                                                        \
      "operators of one side, %a first, change keys: documents, registry, signers within %t, each in its own time; "   \
      "old keys count for %n s more")

enum sim_fault_type {
#define X(name, text, aim, set, story) SIM_##name,
    SIM_FAULTS(X)
#undef X
        SIM_FAULT_TYPES
};

struct sim_fault {
    enum sim_fault_type type;
    uint64_t at, lasts; /* ms */
    uint16_t a, b;      /* relay, chain or lane; relay or source */
    uint32_t size;
};

struct sim_send {
    uint64_t at, life; /* ms; s */
    uint16_t lane;
    uint32_t count, len;
};

enum { SIM_FAULTS_MAX = 64, SIM_SENDS_MAX = 128, SIM_NOBODY = 0xffff, SIM_LONG_LIFE = 3600 };

struct sim_plan {
    uint64_t seed;
    const char *world; /* its size: short, long, full */
    struct world_shape shape;
    bool real_crypto;
    uint64_t claims;
    unsigned loss;
    uint16_t lost[2]; /* of each side the relay whose operator may fail for good; SIM_NOBODY: the quorum needs all */
    uint16_t liar;    /* the source, of every relay, that may lie */
    struct {
        uint64_t from, to, until;
    } fails[WORLD_LANES_MAX];             /* receivers: for these sequences, before this time */
    uint64_t horizon;                     /* ms: then all is well again */
    struct sim_send sends[SIM_SENDS_MAX]; /* in the order of time, as faults are */
    size_t sends_len;
    struct sim_fault faults[SIM_FAULTS_MAX];
    size_t faults_len;
};

/* with: a fault that this world has in any case, SIM_FAULT_TYPES for none. */
void sim_plan_make(struct sim_plan *plan, uint64_t seed, enum sim_fault_type with);
bool sim_plan_world_known(const char *name);
void sim_plan_print(FILE *out, const struct sim_plan *plan); /* as a story, in words */
void sim_fault_words(char *out, size_t cap, const struct sim_plan *plan, const struct sim_fault *fault);
const char *sim_fault_name(enum sim_fault_type type);
/* The type of that name, or SIM_FAULT_TYPES. */
enum sim_fault_type sim_fault_by_name(const char *name);

#endif
