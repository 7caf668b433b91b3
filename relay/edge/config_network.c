/*
 * The network document: its schema, and the way from YAML to struct topology_network. docs/operator.md shows one whole.
 * Lists are read in the order of this table, not of the file, so that a reference finds what it refers to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/lane.h"
#include "proofs/signature.h"
#include "relay/edge/config_parts.h"
#include "relay/edge/schema.h"
#include "topology/signature.h"

static const struct schema_word suite_words[] = {
#define X(name, bit, text, hash) {text, bit},
    PROOF_SUITES(X)
#undef X
        {NULL, 0}};

static const struct schema_word evidence_words[] = {{"slot", TOPOLOGY_EVIDENCE_AGREEMENT_SLOT},
                                                    {"receipts", TOPOLOGY_EVIDENCE_AGREEMENT_RECEIPTS},
                                                    {"ics23", TOPOLOGY_EVIDENCE_ICS23},
                                                    {NULL, 0}};

static const struct schema_word order_words[] = {{"in-order", PROOF_MODE_ORDERED}, {"any-order", 0}, {NULL, 0}};
static const struct schema_word failure_words[] = {{"retry", PROOF_MODE_RETRY}, {"once", 0}, {NULL, 0}};

static const struct schema_word state_words[] = {{"open", TOPOLOGY_LANE_OPEN},
                                                 {"draining", TOPOLOGY_LANE_DRAINING},
                                                 {"paused", TOPOLOGY_LANE_PAUSED},
                                                 {"closed", TOPOLOGY_LANE_CLOSED},
                                                 {NULL, 0}};

/* ---- references ---------------------------------------------------------------------------------------------------- */

/* Says that `text` names nothing in the list, with the nearest name. Names lie `stride` bytes apart. */
static void say_no_such(struct schema_reader *reader, const struct yaml_tree_node *node, const char *list,
                        const void *names, size_t stride, size_t len)
{
    const char *known[128];
    size_t count = len < 128 ? len : 128;
    for (size_t i = 0; i < count; i++)
        known[i] = (const char *)names + i * stride;
    const char *near = schema_nearest(node->text, known, count);
    schema_say(reader, node, "'%.60s' is not in %s%s%s%s", node->text, list, near ? "; did you mean '" : "",
               near ? near : "", near ? "'?" : "");
}

static bool chain_index(struct schema_reader *reader, const struct yaml_tree_node *node, uint16_t *out)
{
    const struct topology_network *network = reader->objects[0];
    const char *text = schema_text(reader, node);
    int index = text ? topology_chain_by_id(network, text) : -1;
    if (text && index < 0)
        say_no_such(reader, node, "chains", network->chains, sizeof *network->chains, network->chains_len);
    if (index >= 0)
        *out = (uint16_t)index;
    return index >= 0;
}

static bool relay_index(struct schema_reader *reader, const struct yaml_tree_node *node, uint16_t *out)
{
    const struct topology_network *network = reader->objects[0];
    const char *text = schema_text(reader, node);
    int index = text ? topology_relay_by_name(network, text) : -1;
    if (text && index < 0)
        say_no_such(reader, node, "relays", network->relays, sizeof *network->relays, network->relays_len);
    if (index >= 0)
        *out = (uint16_t)index;
    return index >= 0;
}

static void read_chain(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *object)
{
    chain_index(reader, node, (uint16_t *)((char *)object + field->offset));
}

static void read_zone(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                      void *object)
{
    const struct topology_network *network = reader->objects[0];
    const char *text = schema_text(reader, node);
    int index = text ? topology_zone_by_name(network, text) : -1;
    if (text && index < 0)
        say_no_such(reader, node, "zones", network->zones, sizeof *network->zones, network->zones_len);
    if (index >= 0)
        *(uint16_t *)((char *)object + field->offset) = (uint16_t)index;
}

static void read_operator(struct schema_reader *reader, const struct schema_field *field,
                          const struct yaml_tree_node *node, void *object)
{
    const struct topology_network *network = reader->objects[0];
    const char *text = schema_text(reader, node);
    for (size_t i = 0; text && i < network->operators_len; i++) {
        if (strcmp(network->operators[i].name, text) != 0)
            continue;
        *(uint16_t *)((char *)object + field->offset) = network->operators[i].number;
        return;
    }
    if (text)
        say_no_such(reader, node, "operators", network->operators, sizeof *network->operators, network->operators_len);
}

/* A list of chains into an owned array of indices. */
static void read_chains(struct schema_reader *reader, const struct schema_field *field,
                        const struct yaml_tree_node *node, void *object)
{
    uint16_t **list = (uint16_t **)((char *)object + field->offset);
    size_t *len = (size_t *)((char *)object + field->len_offset), index = 0;

    if (node->kind != YAML_KIND_LIST || node->count > TOPOLOGY_CHAINS_MAX) {
        schema_say(reader, node, "is no list of at most %d chains: write [eip155:1, ...]", TOPOLOGY_CHAINS_MAX);
        return;
    }
    *list = calloc(node->count + 1, sizeof **list);
    if (!*list) {
        schema_say(reader, node, "no memory");
        return;
    }
    for (const struct yaml_tree_node *child = node->first; child; child = child->next) {
        size_t length = schema_enter_index(reader, index++);
        if (chain_index(reader, child, &(*list)[*len]))
            (*len)++;
        schema_leave(reader, length);
    }
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

/* A key as its suite writes it: 20 or 32 bytes for secp256k1 (address), 32 for Ed25519, 64 (x, y) for P-256 and SM2. */
static void read_key(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                     void *object)
{
    const struct topology_chain *chain = reader->objects[1]; /* network > chain > epoch > key */
    struct topology_key *key = object;
    const char *text = schema_text(reader, node);
    enum proof_suite suite = proof_suite_by_bit(chain->suite);
    struct proof_key parsed;
    uint8_t bytes[64] = {0};
    size_t len;
    bool good = false;

    (void)field;
    if (!text || suite == PROOF_SUITE_NONE)
        return;
    if (codec_hex_decode(bytes, &len, sizeof bytes, text, strlen(text))) {
        uint8_t id[32] = {0};
        bool by_id = suite == PROOF_SUITE_KECCAK256_SECP256K1 || suite == PROOF_SUITE_BLAKE2B256_ED25519;
        if (by_id && (len == 32 || (len == 20 && suite == PROOF_SUITE_KECCAK256_SECP256K1))) {
            memcpy(id + 32 - len, bytes, len);
            good = proof_key_from_id(&parsed, suite, id);
        } else if (!by_id && len == 64) {
            good = proof_key_from_point(&parsed, suite, bytes);
            memcpy(key->point, bytes, 64);
        }
    }
    key->suite = chain->suite;
    if (good)
        memcpy(key->id, parsed.id, 32);
    else
        schema_say(reader, node, "'%.20s...' is no %s key: isthmus keys show prints what belongs here", text,
                   proof_suite_name(suite));
}

/* ---- links --------------------------------------------------------------------------------------------------------- */

/* links: [[a, b], ...] */
static void read_links(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *object)
{
    struct topology_network *network = object;
    size_t index = 0;

    (void)field;
    if (node->kind != YAML_KIND_LIST || node->count > TOPOLOGY_LINKS_MAX) {
        schema_say(reader, node, "is no list of at most %d pairs: write '- [relay, relay]' lines", TOPOLOGY_LINKS_MAX);
        return;
    }
    network->links = calloc(node->count + 1, sizeof *network->links);
    if (!network->links) {
        schema_say(reader, node, "no memory");
        return;
    }
    for (const struct yaml_tree_node *child = node->first; child; child = child->next) {
        size_t length = schema_enter_index(reader, index++);
        uint16_t a, b;
        if (child->kind != YAML_KIND_LIST || child->count != 2) {
            schema_say(reader, child, "is no pair: write [relay, relay]");
        } else {
            bool good = relay_index(reader, child->first, &a);
            good = relay_index(reader, child->first->next, &b) && good;
            if (good)
                network->links[network->links_len++] = (struct topology_link){a < b ? a : b, a < b ? b : a};
        }
        schema_leave(reader, length);
    }
}

/* ---- modes --------------------------------------------------------------------------------------------------------- */

/* order: and failure: each give one bit of the mode. */
static void read_mode(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                      void *object)
{
    uint8_t *mode = (uint8_t *)object + field->offset;
    const char *text = schema_text(reader, node);
    const struct schema_word *word = field->words;
    while (text && word->text && strcmp(word->text, text) != 0)
        word++;
    if (text && word->text)
        *mode = (uint8_t)(*mode | word->value);
    else if (text)
        schema_say(reader, node, "'%.40s' is neither %s nor %s", text, field->words[0].text, field->words[1].text);
}

/* ---- the tables ---------------------------------------------------------------------------------------------------- */

#define YES .required = true

static const struct schema_field root_fields[] = {
    {"name", SCHEMA_NAME, SCHEMA_AT(topology_root, name), YES},
    {"side", SCHEMA_NUMBER, SCHEMA_OF(topology_root, side), YES, .max = 255},
    {"key", SCHEMA_HEX32, SCHEMA_AT(topology_root, key), YES},
    {0}};

static const struct schema_field operator_fields[] = {
    {"name", SCHEMA_NAME, SCHEMA_AT(topology_operator, name), YES},
    {"number", SCHEMA_NUMBER, SCHEMA_OF(topology_operator, number), YES, .min = 1, .max = 65535},
    {"side", SCHEMA_NUMBER, SCHEMA_OF(topology_operator, side), YES, .max = 255},
    {0}};

static const struct schema_field key_fields[] = {
    {"operator", SCHEMA_CUSTOM, SCHEMA_AT(topology_key, operator_number), YES, .custom = read_operator},
    {"key", SCHEMA_CUSTOM, SCHEMA_AT(topology_key, id), YES, .custom = read_key},
    {0}};

static const struct schema_field epoch_fields[] = {
    {"number", SCHEMA_NUMBER, SCHEMA_OF(topology_epoch, number), YES, .min = 1, .max = UINT64_MAX},
    {"quorum", SCHEMA_NUMBER, SCHEMA_OF(topology_epoch, quorum), YES, .min = 1, .max = TOPOLOGY_OPERATORS_MAX},
    {"overlap", SCHEMA_NUMBER, SCHEMA_OF(topology_epoch, overlap), .max = 30 * 86400},
    {"accept_equivocation", SCHEMA_NUMBER, SCHEMA_OF(topology_epoch, accept_equivocation),
     .max = TOPOLOGY_OPERATORS_MAX, .standard = 1},
    {"keys", SCHEMA_LIST, SCHEMA_LIST_OF(topology_epoch, keys), YES, .min = 1, .max = TOPOLOGY_KEYS_MAX,
     .fields = key_fields},
    {0}};

static const struct schema_word family_words[] = {{"evm", 0}, {"cosmos", 0}, {NULL, 0}};

/* family: kept as its word. */
static void read_family(struct schema_reader *reader, const struct schema_field *field,
                        const struct yaml_tree_node *node, void *object)
{
    const char *text = schema_text(reader, node);
    const struct schema_word *word = field->words;
    while (text && word->text && strcmp(word->text, text) != 0)
        word++;
    if (text && word->text)
        memcpy((char *)object + field->offset, text, strlen(text) + 1);
    else if (text)
        schema_say(reader, node, "'%.40s' is no family that this version knows: evm, cosmos", text);
}

/* light_client.trust_level: 1/3. */
static void read_trust_level(struct schema_reader *reader, const struct schema_field *field,
                             const struct yaml_tree_node *node, void *object)
{
    struct topology_light_client *light = object;
    const char *text = schema_text(reader, node);
    unsigned numerator = 0, denominator = 0;
    int end = 0;
    (void)field;
    if (!text)
        return;
    if (sscanf(text, "%4u/%4u%n", &numerator, &denominator, &end) != 2 || text[end] != '\0' ||
        strspn(text, "0123456789/") != strlen(text)) {
        schema_say(reader, node, "'%.20s' is no fraction: write it like 1/3", text);
        return;
    }
    light->trust_numerator = numerator;
    light->trust_denominator = denominator;
}

static const struct schema_field light_fields[] = {
    {"trusting_period", SCHEMA_NUMBER, SCHEMA_OF(topology_light_client, trusting_period), YES, .min = 1,
     .max = 10 * 366 * 86400ull},
    {"clock_drift", SCHEMA_NUMBER, SCHEMA_OF(topology_light_client, clock_drift), .max = 3600, .standard = 10},
    {"trust_level", SCHEMA_CUSTOM, SCHEMA_AT(topology_light_client, trust_numerator), .custom = read_trust_level},
    {"store", SCHEMA_NAME, SCHEMA_AT(topology_light_client, store)},
    {0}};

/* light_client: with the level that all of CometBFT takes where none is given. */
static void read_light(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *object)
{
    struct topology_light_client *light = &((struct topology_chain *)object)->light;
    light->trust_numerator = 1;
    light->trust_denominator = 3;
    schema_read(reader, field->fields, node, light);
}

static const struct schema_field chain_fields[] = {
    {"id", SCHEMA_CAIP2, SCHEMA_AT(topology_chain, id), YES},
    {"family", SCHEMA_CUSTOM, SCHEMA_AT(topology_chain, family), YES, .words = family_words, .custom = read_family},
    {"genesis", SCHEMA_HEX32, SCHEMA_AT(topology_chain, genesis), YES},
    {"suite", SCHEMA_CHOICE, SCHEMA_OF(topology_chain, suite), YES, .words = suite_words},
    {"finality_depth", SCHEMA_NUMBER, SCHEMA_OF(topology_chain, finality_depth), YES, .max = 1000000},
    {"sources", SCHEMA_NUMBER, SCHEMA_OF(topology_chain, sources), YES, .min = 1, .max = 16},
    {"registry", SCHEMA_ACCOUNT, SCHEMA_AT(topology_chain, registry), YES},
    {"outbox", SCHEMA_ACCOUNT, SCHEMA_AT(topology_chain, outbox), YES},
    {"inbox", SCHEMA_ACCOUNT, SCHEMA_AT(topology_chain, inbox), YES},
    {"light_client", SCHEMA_CUSTOM, SCHEMA_AT(topology_chain, light), .fields = light_fields, .custom = read_light},
    {"epochs", SCHEMA_LIST, SCHEMA_LIST_OF(topology_chain, epochs), YES, .min = 1, .max = TOPOLOGY_EPOCHS_MAX,
     .fields = epoch_fields},
    {0}};

static const struct schema_field zone_fields[] = {{"name", SCHEMA_NAME, SCHEMA_AT(topology_zone, name), YES}, {0}};

static const struct schema_field relay_fields[] = {
    {"name", SCHEMA_NAME, SCHEMA_AT(topology_relay, name), YES},
    {"operator", SCHEMA_CUSTOM, SCHEMA_AT(topology_relay, operator_number), .custom = read_operator},
    {"zone", SCHEMA_CUSTOM, SCHEMA_AT(topology_relay, zone), YES, .custom = read_zone},
    {"key", SCHEMA_HEX32, SCHEMA_AT(topology_relay, key), YES},
    {"serves", SCHEMA_CUSTOM, SCHEMA_LIST_OF(topology_relay, serves), .custom = read_chains},
    {"delivers", SCHEMA_CUSTOM, SCHEMA_LIST_OF(topology_relay, delivers), .custom = read_chains},
    {0}};

static const struct schema_field lane_fields[] = {
    {"name", SCHEMA_NAME, SCHEMA_AT(topology_lane, name), YES},
    {"source", SCHEMA_CUSTOM, SCHEMA_AT(topology_lane, source), YES, .custom = read_chain},
    {"destination", SCHEMA_CUSTOM, SCHEMA_AT(topology_lane, destination), YES, .custom = read_chain},
    {"sender", SCHEMA_ACCOUNT, SCHEMA_AT(topology_lane, sender), YES},
    {"receiver", SCHEMA_ACCOUNT, SCHEMA_AT(topology_lane, receiver), YES},
    {"order", SCHEMA_CUSTOM, SCHEMA_AT(topology_lane, mode), YES, .words = order_words, .custom = read_mode},
    {"failure", SCHEMA_CUSTOM, SCHEMA_AT(topology_lane, mode), YES, .words = failure_words, .custom = read_mode},
    {"generation", SCHEMA_NUMBER, SCHEMA_OF(topology_lane, generation), .min = 1, .max = UINT32_MAX, .standard = 1},
    {"suites", SCHEMA_FLAGS, SCHEMA_OF(topology_lane, suites), YES, .words = suite_words},
    {"evidence", SCHEMA_FLAGS, SCHEMA_OF(topology_lane, evidence), YES, .words = evidence_words},
    {"window", SCHEMA_SIZE, SCHEMA_AT(topology_lane, window), .min = 1024, .max = 1ull << 40, .standard = 16 << 20},
    {"payload_max", SCHEMA_NUMBER, SCHEMA_OF(topology_lane, payload_max), .max = 1 << 20, .standard = 16384},
    {"longest_life", SCHEMA_NUMBER, SCHEMA_OF(topology_lane, longest_life), .min = 1, .max = 10 * 366 * 86400ull,
     .standard = 7 * 86400},
    {"state", SCHEMA_CHOICE, SCHEMA_OF(topology_lane, state), .words = state_words},
    {0}};

static const struct schema_field network_fields[] = {
    {"network", SCHEMA_NAME, SCHEMA_AT(topology_network, name), YES},
    {"version", SCHEMA_NUMBER, SCHEMA_OF(topology_network, version), YES, .min = 1, .max = UINT64_MAX},
    {"effective", SCHEMA_NUMBER, SCHEMA_OF(topology_network, effective), .max = UINT64_MAX},
    {"roots", SCHEMA_LIST, SCHEMA_LIST_OF(topology_network, roots), YES, .min = 1, .max = TOPOLOGY_ROOTS_MAX,
     .fields = root_fields},
    {"operators", SCHEMA_LIST, SCHEMA_LIST_OF(topology_network, operators), YES, .min = 1,
     .max = TOPOLOGY_OPERATORS_MAX, .fields = operator_fields},
    {"chains", SCHEMA_LIST, SCHEMA_LIST_OF(topology_network, chains), YES, .min = 1, .max = TOPOLOGY_CHAINS_MAX,
     .fields = chain_fields},
    {"zones", SCHEMA_LIST, SCHEMA_LIST_OF(topology_network, zones), YES, .min = 1, .max = TOPOLOGY_ZONES_MAX,
     .fields = zone_fields},
    {"relays", SCHEMA_LIST, SCHEMA_LIST_OF(topology_network, relays), YES, .min = 1, .max = TOPOLOGY_RELAYS_MAX,
     .fields = relay_fields},
    {"links", SCHEMA_CUSTOM, SCHEMA_AT(topology_network, links), .custom = read_links},
    {"lanes", SCHEMA_LIST, SCHEMA_LIST_OF(topology_network, lanes), .max = TOPOLOGY_LANES_MAX, .fields = lane_fields},
    {0}};

/* ---- meaning ------------------------------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
    const struct topology_key *x = a, *y = b;
    if (x->operator_number != y->operator_number)
        return x->operator_number < y->operator_number ? -1 : 1;
    return memcmp(x->id, y->id, 32);
}

static bool begins(const char *path, const char *with)
{
    return strncmp(path, with, strlen(with)) == 0;
}

/* A problem of meaning is only worth saying where the shapes it stands on are right: those of its own entry, and for a
 * lane those of everything that lanes lean on. */
static bool stands_on_sand(const struct config_problems *problems, size_t from, size_t until, const char *path)
{
    size_t entry = strcspn(path, "]");
    for (size_t i = from; i < until; i++) {
        const char *other = problems->items[i].path;
        if (strncmp(other, path, entry) == 0)
            return true;
        if (begins(path, "lanes") && (begins(other, "chains") || begins(other, "relays") || begins(other, "links") ||
                                      begins(other, "operators")))
            return true;
        if (begins(path, "operators") && begins(other, "roots"))
            return true;
    }
    return false;
}

static void check_meaning(struct schema_reader *reader, const struct yaml_tree *tree,
                          const struct topology_network *network, size_t from)
{
    struct topology_problem *found = calloc(CONFIG_PROBLEMS_MAX, sizeof *found);
    size_t until = reader->problems->len; /* only the problems of shape, not those said here */

    if (!found) {
        schema_say(reader, NULL, "no memory");
        return;
    }
    size_t total = topology_network_check(found, CONFIG_PROBLEMS_MAX, network);
    for (size_t i = 0; i < total && i < CONFIG_PROBLEMS_MAX; i++) {
        if (!stands_on_sand(reader->problems, from, until, found[i].path))
            config_say(reader, tree, found[i].path, "%s", found[i].text);
    }
    if (total > CONFIG_PROBLEMS_MAX)
        reader->problems->total += total - CONFIG_PROBLEMS_MAX;
    free(found);
}

struct topology_network *config_network_read(const char *name, const void *text, size_t len,
                                             struct config_problems *problems)
{
    size_t before = problems->total, from = problems->len;
    struct schema_reader reader = {.file = name, .folder = ".", .problems = problems};
    struct yaml_tree *tree = config_parse(&reader, text, len);
    struct topology_network *network = tree ? calloc(1, sizeof *network) : NULL;

    if (network) {
        schema_read(&reader, network_fields, yaml_tree_root(tree), network);
        for (size_t i = 0; i < network->chains_len; i++)
            for (size_t j = 0; j < network->chains[i].epochs_len; j++) {
                struct topology_epoch *epoch = &network->chains[i].epochs[j];
                if (epoch->keys_len)
                    qsort(epoch->keys, epoch->keys_len, sizeof *epoch->keys, compare_keys);
            }
        /* Unresolved references are index 0: with these lists there, that is inside them. */
        if (network->chains_len && network->relays_len && network->zones_len && network->operators_len)
            check_meaning(&reader, tree, network, from);
        topology_document_hash(network->hash, (struct bytes){text, len});
        if (problems->total == before && !topology_network_index(network))
            schema_say(&reader, NULL, "no memory");
    } else if (problems->total == before) {
        schema_say(&reader, NULL, "no memory");
    }
    yaml_tree_free(tree);
    config_problems_sort(problems, from);
    if (problems->total != before) {
        topology_network_free(network);
        return NULL;
    }
    return network;
}

struct topology_network *config_network_load(const char *path, struct config_problems *problems)
{
    struct schema_reader reader = {.file = path, .folder = ".", .problems = problems};
    struct topology_network *network = NULL;
    size_t len;
    void *text = config_read_file(&reader, path, &len);
    if (text)
        network = config_network_read(path, text, len, problems);
    free(text);
    return network;
}
