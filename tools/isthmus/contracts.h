/*
 * The contracts of one EVM chain, as a network document wants them: what creates them, what opens their lanes, and what then stands
 * there. Nothing here speaks to a chain or holds a key: any wallet can send what is made here, any client can ask it.
 */
#ifndef ISTHMUS_TOOLS_ISTHMUS_CONTRACTS_H
#define ISTHMUS_TOOLS_ISTHMUS_CONTRACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "tools/verify/json.h"
#include "topology/network.h"

/* What Registry.sol and Inbox.sol take. The document's own bounds keep operators and sides within the registry's. */
enum {
    CONTRACTS_MEMBERS_MAX = 128,
    CONTRACTS_DELAY_MIN = 86400, /* seconds */
    CONTRACTS_GAS_MIN = 50000,
    CONTRACTS_GAS_MAX = 10000000
};
_Static_assert(TOPOLOGY_OPERATORS_MAX <= 64, "a registry seats 64 operators");
_Static_assert(TOPOLOGY_ROOTS_MAX <= 16, "a registry knows 16 sides, and each has a root");

/* In the order in which they are created. */
enum contracts_which { CONTRACTS_REGISTRY, CONTRACTS_OUTBOX, CONTRACTS_INBOX, CONTRACTS_COUNT };

/* Words of 32 bytes that constructors take and the code holds as immutables. */
enum contracts_word {
    CONTRACTS_NETWORK_ID,
    CONTRACTS_CHAIN_IDENTITY,
    CONTRACTS_CHAIN_ID,
    CONTRACTS_REGISTRY_ACCOUNT,
    CONTRACTS_OUTBOX_ACCOUNT,
    CONTRACTS_RECEIVER_GAS,
    CONTRACTS_RECOVERY,
    CONTRACTS_RECOVERY_DELAY,
    CONTRACTS_WORDS
};

struct contracts {
    const struct topology_network *network;
    const struct topology_chain
        *chain; /* of the network; its suite is that of the contracts, its accounts are addresses */
    uint8_t words[CONTRACTS_WORDS][32];
    bool created_known; /* by which transactions they were created */
    uint8_t created[CONTRACTS_COUNT][32];
    struct contracts_code {
        struct tools_json_doc *artifact; /* <Name>.json of the build */
        struct bytes runtime;   /* what stands on chain: with its immutables. Memory of the artifact, as all below */
        struct contracts_hole { /* where the compiler left room for an immutable */
            size_t at;
            enum contracts_word word;
        } * holes;
        size_t holes_len;
    } code[CONTRACTS_COUNT];
};

/* "registry", "outbox", "inbox"; the account that the document gives. */
const char *contracts_name(enum contracts_which which);
const uint8_t *contracts_account(const struct topology_chain *chain, enum contracts_which which);

/* ---- code and calls (contracts_abi.c) ------------------------------------------------------------------------------- */

/* A number as a word. */
void contracts_put(uint8_t word[32], uint64_t number);

/* Reads the three artifacts of `folder` and makes `runtime`; chain and words are set. False after a message. contracts_unload in
 * either case. */
bool contracts_load(struct contracts *contracts, const char *folder);
void contracts_unload(struct contracts *contracts);

/* Code that creates a contract, with its constructor's arguments; the registry begins with the document's first epoch. Memory of
 * the artifact; no bytes after a message. */
struct bytes contracts_creation(const struct contracts *contracts, enum contracts_which which);

/* The first hole of the code in which `found` holds another word, when it differs in nothing else. NULL: it is the code, or another. */
const struct contracts_hole *contracts_other_immutable(const struct contracts *contracts, enum contracts_which which,
                                                       struct bytes found);
/* The name of an immutable in the sources. */
const char *contracts_word_name(enum contracts_word word);

/* The address of what an account creates with its transaction of this nonce. */
void contracts_address(uint8_t out[20], const uint8_t from[20], uint64_t nonce);

/* Outbox.settings of a lane, as the contract answers: what `open` makes of it. */
enum { CONTRACTS_SETTINGS_WORDS = 8 };
void contracts_settings(uint8_t out[CONTRACTS_SETTINGS_WORDS][32], const struct topology_network *network,
                        const struct topology_lane *lane);
/* The name of one of these words. */
const char *contracts_setting(size_t index);

/* Registry.epochInfo of an epoch, as the contract answers, but for its last word (whether it is valid now). */
enum { CONTRACTS_EPOCH_WORDS = 4 };
void contracts_epoch(uint8_t out[CONTRACTS_EPOCH_WORDS][32], const struct topology_network *network,
                     const struct topology_epoch *epoch);

/* Call data: the selector of a signature as in "open(bytes32)", then count words. Writes 4 + 32 * count bytes, which it returns. */
struct bytes contracts_call(uint8_t *out, const char *signature, const uint8_t (*words)[32], size_t count);

/* ---- what stands there (contracts_ask.c) ---------------------------------------------------------------------------- */

/* A JSON-RPC batch of everything that tells whether the chain has what the document says: chain, code, epochs, open lanes. */
struct tools_json *contracts_questions(const struct contracts *contracts);
/* Prints what the answers of that batch, read from a file, mean. ISTHMUS_OK when all is as the document says. */
int contracts_judge(const struct contracts *contracts, const char *answers, bool json);

#endif
