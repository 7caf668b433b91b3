/*
 * isthmus network contracts: the contracts of a chain from the network document. It prints what any wallet can send to create them
 * and to open their lanes, and what any client can ask to see that they stand there; it has no key and calls nobody.
 */
#include "tools/isthmus/contracts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/lane.h"
#include "tools/isthmus/document.h"
#include "tools/isthmus/isthmus.h"

#define STANDARD_GAS "200000"

static const char *const USAGE =
    "usage: isthmus network contracts DOCUMENT --chain ID [--from ADDRESS --nonce N] [--created HASHES]\n"
    "           [--answers FILE] [--receiver-gas N] [--recovery ADDRESS --recovery-delay SECONDS] [--contracts DIR] "
    "[--json]\n"
    "\n"
    "What belongs on an EVM chain of the document: addresses, hashes of the code that must stand there, ids of lanes.\n"
    "  --json            also transactions (what to send) and ask (a JSON-RPC batch for a node of the chain)\n"
    "  --from, --nonce   also the transactions that create registry, outbox and inbox: sent by ADDRESS, with its next\n"
    "                    nonces from N on; the document must name the addresses that follow from these\n"
    "  --created HASHES  also asks by which code they were created: the transactions of registry, outbox and inbox,\n"
    "                    as HASH,HASH,HASH; needed by whoever did not send them\n"
    "  --answers FILE    what a node answered to ask, compared with the document; exit code 1 when anything differs\n"
    "  --receiver-gas    gas that each call of a receiver gets, 50000 to 10000000 (" STANDARD_GAS ")\n"
    "  --recovery        who may replace the operators after the delay, at least 86400 (nobody, ever)\n"
    "  --contracts DIR   compiled contracts (../share/isthmus/contracts, seen from this program)\n";

const char *contracts_name(enum contracts_which which)
{
    static const char *const names[CONTRACTS_COUNT] = {"registry", "outbox", "inbox"};
    return names[which];
}

const uint8_t *contracts_account(const struct topology_chain *chain, enum contracts_which which)
{
    const uint8_t *const accounts[CONTRACTS_COUNT] = {chain->registry, chain->outbox, chain->inbox};
    return accounts[which];
}

/* ---- what was given ------------------------------------------------------------------------------------------------ */

struct given {
    const char *chain, *from, *nonce, *created, *answers, *gas, *recovery, *delay, *folder;
    bool json;
    uint8_t creator[20]; /* when there is a `from` */
    uint64_t first;      /* its nonce */
};

/* A decimal number within bounds. */
static bool read_number(uint64_t *out, const char *text, uint64_t least, uint64_t most)
{
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return *text && strspn(text, "0123456789") == strlen(text) && errno == 0 && *out >= least && *out <= most;
}

static bool read_address(uint8_t out[20], const char *text)
{
    return codec_hex_decode_exact(out, 20, text, strlen(text)) && !codec_bytes_are_zero(out, 20);
}

/* "HASH,HASH,HASH" */
static bool read_hashes(uint8_t out[CONTRACTS_COUNT][32], const char *text)
{
    for (size_t i = 0; i < CONTRACTS_COUNT; i++) {
        size_t len = strcspn(text, ",");
        if (!codec_hex_decode_exact(out[i], 32, text, len) || text[len] != (i + 1 < CONTRACTS_COUNT ? ',' : '\0'))
            return false;
        text += len + 1;
    }
    return true;
}

/* The words that options give. -1, or the exit code after a message. */
static int read_options(struct given *given, struct contracts *contracts)
{
    uint64_t number = 0;
    if (!given->chain)
        return isthmus_misused(USAGE, "give --chain, one of the document");
    if (!given->from != !given->nonce)
        return isthmus_misused(USAGE, "--from and --nonce belong together: the addresses follow from both");
    if (given->from && !read_address(given->creator, given->from))
        return isthmus_misused(USAGE, "--from takes an address, 40 hexadecimal digits, not '%s'", given->from);
    if (given->nonce && !read_number(&given->first, given->nonce, 0, UINT64_MAX - 1 - CONTRACTS_COUNT))
        return isthmus_misused(USAGE, "--nonce takes a number, not '%s'", given->nonce);
    if (given->from && given->answers)
        return isthmus_misused(USAGE, "--answers is about contracts that stand there: without --from and --nonce");
    if (given->created && !read_hashes(contracts->created, given->created))
        return isthmus_misused(USAGE,
                               "--created takes the hashes of three transactions, HASH,HASH,HASH: those that made "
                               "registry, outbox and inbox");
    contracts->created_known = given->created;
    if (!read_number(&number, given->gas, CONTRACTS_GAS_MIN, CONTRACTS_GAS_MAX))
        return isthmus_misused(USAGE, "--receiver-gas takes %d to %d: an inbox takes no other", CONTRACTS_GAS_MIN,
                               CONTRACTS_GAS_MAX);
    contracts_put(contracts->words[CONTRACTS_RECEIVER_GAS], number);
    if (!given->recovery != !given->delay)
        return isthmus_misused(USAGE, "--recovery and --recovery-delay belong together");
    if (given->recovery && !read_address(contracts->words[CONTRACTS_RECOVERY] + 12, given->recovery))
        return isthmus_misused(USAGE, "--recovery takes an address, 40 hexadecimal digits, not '%s'", given->recovery);
    if (given->delay && !read_number(&number, given->delay, CONTRACTS_DELAY_MIN, UINT32_MAX))
        return isthmus_misused(USAGE, "--recovery-delay takes seconds from %d on: a registry takes no shorter one",
                               CONTRACTS_DELAY_MIN);
    contracts_put(contracts->words[CONTRACTS_RECOVERY_DELAY], given->delay ? number : 0);
    return -1;
}

/* ---- what the contracts cannot bear -------------------------------------------------------------------------------- */

/* Says what is wrong at a place of the chain; returns false. */
__attribute__((format(printf, 3, 4))) static bool refuse(const struct contracts *contracts, const char *field,
                                                         const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    isthmus_failed("chains[%zu].%s: %s", (size_t)(contracts->chain - contracts->network->chains), field, text);
    return false;
}

/* "eip155:" and the chain id as the contracts write it. */
static bool read_chain_id(uint64_t *out, const char *caip2)
{
    return strncmp(caip2, "eip155:", 7) == 0 && caip2[7] != '0' && read_number(out, caip2 + 7, 1, UINT64_MAX);
}

/* created: their creation is asked for, or asked about. */
static bool check_chain(struct contracts *contracts, bool created)
{
    const struct topology_chain *chain = contracts->chain;
    uint64_t id = 0;

    if (topology_chain_is_light(chain))
        return refuse(contracts, "family", "these contracts are for chains of family evm");
    if (!read_chain_id(&id, chain->id))
        return refuse(contracts, "id", "contracts there would call their chain eip155:N, with N from eth_chainId");
    contracts_put(contracts->words[CONTRACTS_CHAIN_ID], id);
    if (chain->suite != PROOF_SUITE_KECCAK256_SECP256K1)
        return refuse(contracts, "suite", "these contracts have keccak256-secp256k1 only");
    for (size_t i = 0; i < CONTRACTS_COUNT; i++)
        if (!codec_bytes_are_zero(contracts_account(chain, (enum contracts_which)i), 12))
            return refuse(contracts, contracts_name((enum contracts_which)i), "is no address: write 0x and 40 digits");
    for (size_t i = 0; i < chain->epochs_len; i++)
        if (chain->epochs[i].keys_len > CONTRACTS_MEMBERS_MAX)
            return refuse(contracts, "epochs", "epoch %" PRIu64 " has %zu keys: a registry takes %d",
                          chain->epochs[i].number, chain->epochs[i].keys_len, CONTRACTS_MEMBERS_MAX);
    if (created && chain->epochs[0].number != 1)
        return refuse(contracts, "epochs", "a registry begins with epoch 1, which is not in the document any more");
    for (size_t i = 0; i < contracts->network->lanes_len; i++) {
        const struct topology_lane *lane = &contracts->network->lanes[i];
        if (&contracts->network->chains[lane->source] == chain && !codec_bytes_are_zero(lane->sender, 12)) {
            isthmus_failed("lanes[%zu].sender: is no address: nobody on %s could open this lane", i, chain->id);
            return false;
        }
    }
    return true;
}

/* Whether what `from` creates stands where the document says. */
static bool check_addresses(const struct contracts *contracts, const struct given *given)
{
    uint8_t made[CONTRACTS_COUNT][20];
    char text[41];
    bool same = true;

    for (size_t i = 0; i < CONTRACTS_COUNT; i++) {
        contracts_address(made[i], given->creator, given->first + i);
        same = same && memcmp(contracts_account(contracts->chain, (enum contracts_which)i) + 12, made[i], 20) == 0;
    }
    if (same)
        return true;
    codec_hex_encode(text, BYTES_OF(given->creator));
    refuse(contracts, "registry, outbox, inbox",
           "these are not the addresses that 0x%s makes with its nonces from %" PRIu64 " on; write under %s:", text,
           given->first, contracts->chain->id);
    for (size_t i = 0; i < CONTRACTS_COUNT; i++) {
        codec_hex_encode(text, BYTES_OF(made[i]));
        fprintf(stderr, "    %s: \"0x%s\"\n", contracts_name((enum contracts_which)i), text);
    }
    return false;
}

/* ---- printing ------------------------------------------------------------------------------------------------------ */

/* Lanes that somebody opens: later generations begin when the one before is closed. */
static bool opens(const struct contracts *contracts, const struct topology_lane *lane)
{
    return &contracts->network->chains[lane->source] == contracts->chain && lane->generation == 1 &&
           lane->state != TOPOLOGY_LANE_CLOSED;
}

static void set_quantity(struct tools_json *object, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "0x%" PRIx64, value);
    tools_json_set_text(object, key, text);
}

/* A transaction as eth_sendTransaction takes it, with what comes of it. */
static void append_transaction(struct tools_json *list, const char *what, const char *of, struct bytes result,
                               struct tools_json *request)
{
    struct tools_json *one = tools_json_new_object();
    tools_json_set_text(one, "what", what);
    tools_json_set_hex(one, of, result);
    tools_json_set(one, "request", request);
    tools_json_append(list, one);
}

static void append_open(struct tools_json *list, const struct contracts *contracts, const struct topology_lane *lane)
{
    static const size_t arguments[] = {0, 1, 2, 4, 5, 6}; /* of the settings: all but the sender and the generation */
    uint8_t settings[CONTRACTS_SETTINGS_WORDS][32], words[6][32], data[4 + sizeof words];
    struct tools_json *request = tools_json_new_object();

    contracts_settings(settings, contracts->network, lane);
    for (size_t i = 0; i < 6; i++)
        memcpy(words[i], settings[arguments[i]], 32);
    tools_json_set_hex(request, "from", (struct bytes){lane->sender + 12, 20});
    tools_json_set_hex(request, "to", (struct bytes){contracts->chain->outbox + 12, 20});
    tools_json_set_hex(
        request, "data",
        contracts_call(data, "open(bytes32,bytes32,bytes32,uint8,uint8,uint32)", (const uint8_t(*)[32])words, 6));
    append_transaction(list, lane->name, "lane", BYTES_OF(lane->id), request);
}

/* False after a message. */
static bool append_creations(struct tools_json *list, const struct contracts *contracts, const struct given *given)
{
    for (size_t i = 0; i < CONTRACTS_COUNT; i++) {
        enum contracts_which which = (enum contracts_which)i;
        struct bytes data = contracts_creation(contracts, which);
        if (!data.len)
            return false;
        struct tools_json *request = tools_json_new_object();
        tools_json_set_hex(request, "from", BYTES_OF(given->creator));
        set_quantity(request, "nonce", given->first + i);
        tools_json_set_hex(request, "data", data);
        append_transaction(list, contracts_name(which), "address",
                           (struct bytes){contracts_account(contracts->chain, which) + 12, 20}, request);
    }
    return true;
}

/* {network, chain, contracts: [{name, address, code_hash}], transactions: [{what, address or lane, request}], ask: [...]} */
static int print_json(const struct contracts *contracts, const struct given *given)
{
    struct tools_json *object = tools_json_new_object(), *codes = tools_json_new_array(),
                      *transactions = tools_json_new_array();
    bool good = !given->from || append_creations(transactions, contracts, given);

    for (size_t i = 0; i < CONTRACTS_COUNT; i++) {
        struct tools_json *code = tools_json_new_object();
        uint8_t hash[32];
        codec_keccak256(hash, contracts->code[i].runtime);
        tools_json_set_text(code, "name", contracts_name((enum contracts_which)i));
        tools_json_set_hex(code, "address",
                           (struct bytes){contracts_account(contracts->chain, (enum contracts_which)i) + 12, 20});
        tools_json_set_hex(code, "code_hash", BYTES_OF(hash));
        tools_json_append(codes, code);
    }
    for (size_t i = 0; i < contracts->network->lanes_len; i++)
        if (opens(contracts, &contracts->network->lanes[i]))
            append_open(transactions, contracts, &contracts->network->lanes[i]);
    tools_json_set_text(object, "network", contracts->network->name);
    tools_json_set_text(object, "chain", contracts->chain->id);
    tools_json_set(object, "contracts", codes);
    tools_json_set(object, "transactions", transactions);
    tools_json_set(object, "ask", contracts_questions(contracts));
    if (good)
        isthmus_print_json(object);
    tools_json_free(object);
    return good ? ISTHMUS_OK : ISTHMUS_NOT_OK;
}

static void print_lanes(const struct contracts *contracts)
{
    static const char *const head[] = {"LANE", "OPENED BY", "ID"};
    struct isthmus_table *table = isthmus_table_new(head, 3);
    for (size_t i = 0; i < contracts->network->lanes_len; i++) {
        const struct topology_lane *lane = &contracts->network->lanes[i];
        char sender[41], id[65];
        if (!opens(contracts, lane))
            continue;
        codec_hex_encode(sender, (struct bytes){lane->sender + 12, 20});
        codec_hex_encode(id, BYTES_OF(lane->id));
        isthmus_table_add(table, "%s", lane->name);
        isthmus_table_add(table, "0x%s", sender);
        isthmus_table_add(table, "%s", id);
    }
    isthmus_table_print(table);
}

static int print_text(const struct contracts *contracts, const struct given *given)
{
    static const char *const head[] = {"CONTRACT", "NONCE", "ADDRESS", "HASH OF ITS CODE"};
    struct isthmus_table *table = isthmus_table_new(head, 4);
    printf("network %s, chain %s\n\n", contracts->network->name, contracts->chain->id);
    for (size_t i = 0; i < CONTRACTS_COUNT; i++) {
        uint8_t hash[32];
        char address[41], code[65], nonce[24] = "-";
        codec_keccak256(hash, contracts->code[i].runtime);
        codec_hex_encode(code, BYTES_OF(hash));
        codec_hex_encode(address,
                         (struct bytes){contracts_account(contracts->chain, (enum contracts_which)i) + 12, 20});
        if (given->from)
            snprintf(nonce, sizeof nonce, "%" PRIu64, given->first + i);
        isthmus_table_add(table, "%s", contracts_name((enum contracts_which)i));
        isthmus_table_add(table, "%s", nonce);
        isthmus_table_add(table, "0x%s", address);
        isthmus_table_add(table, "0x%s", code);
    }
    isthmus_table_print(table);
    puts("");
    print_lanes(contracts);
    puts("\n--json has what to send and what to ask.");
    return ISTHMUS_OK;
}

/* ---- the command --------------------------------------------------------------------------------------------------- */

/* Where an installation of this program has the contracts. */
static const char *beside_program(char out[4096])
{
    ssize_t len = readlink("/proc/self/exe", out, 4000);
    out[len > 0 ? len : 0] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(out, '/');
        if (slash)
            *slash = '\0';
    }
    memcpy(out + strlen(out), "/share/isthmus/contracts", sizeof "/share/isthmus/contracts");
    return out;
}

static int run(struct contracts *contracts, const struct given *given)
{
    char folder[4096];
    int index = topology_chain_by_id(contracts->network, given->chain);

    if (index < 0)
        return isthmus_failed("the document has no chain '%s'", given->chain);
    contracts->chain = &contracts->network->chains[index];
    if (!check_chain(contracts, given->from || given->created) || (given->from && !check_addresses(contracts, given)))
        return ISTHMUS_NOT_OK;
    proof_network_id(contracts->words[CONTRACTS_NETWORK_ID], PROOF_SUITE_KECCAK256_SECP256K1, contracts->network->name);
    memcpy(contracts->words[CONTRACTS_CHAIN_IDENTITY], contracts->chain->identity, 32);
    memcpy(contracts->words[CONTRACTS_REGISTRY_ACCOUNT], contracts->chain->registry, 32);
    memcpy(contracts->words[CONTRACTS_OUTBOX_ACCOUNT], contracts->chain->outbox, 32);
    if (!contracts_load(contracts, given->folder ? given->folder : beside_program(folder)))
        return ISTHMUS_NOT_OK;
    if (given->answers)
        return contracts_judge(contracts, given->answers, given->json);
    return given->json ? print_json(contracts, given) : print_text(contracts, given);
}

int isthmus_network_contracts(int argc, char **argv)
{
    struct given given = {.gas = STANDARD_GAS};
    struct contracts contracts = {0};
    const struct isthmus_option options[] = {{"--chain", &given.chain, NULL},
                                             {"--from", &given.from, NULL},
                                             {"--nonce", &given.nonce, NULL},
                                             {"--created", &given.created, NULL},
                                             {"--answers", &given.answers, NULL},
                                             {"--receiver-gas", &given.gas, NULL},
                                             {"--recovery", &given.recovery, NULL},
                                             {"--recovery-delay", &given.delay, NULL},
                                             {"--contracts", &given.folder, NULL},
                                             {"--json", NULL, &given.json},
                                             {NULL, NULL, NULL}};
    int left, code = isthmus_options(options, USAGE, argc, argv, &left);
    if (code >= 0)
        return code;
    if (left != 1)
        return isthmus_misused(USAGE, "network contracts takes one document");
    code = read_options(&given, &contracts);
    if (code >= 0)
        return code;
    struct topology_network *network = isthmus_document_load(argv[1]);
    contracts.network = network;
    code = network ? run(&contracts, &given) : ISTHMUS_NOT_OK;
    contracts_unload(&contracts);
    topology_network_free(network);
    return code;
}
