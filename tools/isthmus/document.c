/*
 * What a network document means, as tables and as JSON.
 */
#include "tools/isthmus/document.h"

#include <stdio.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/lane.h"
#include "tools/isthmus/isthmus.h"
#include "topology/route.h"

static const char *const STATES[] = {"open", "draining", "paused", "closed"};

static const char *hex(char out[65], const uint8_t bytes[32])
{
    codec_hex_encode(out, (struct bytes){bytes, 32});
    return out;
}

static const char *operator_name(const struct topology_network *network, uint16_t number)
{
    const struct topology_operator *operator= topology_operator_by_number(network, number);
    return operator? operator->name : "-";
}

void isthmus_document_print_epochs(const struct topology_network *network)
{
    static const char *const head[] = {"CHAIN", "EPOCH", "QUORUM", "SURVIVES"};
    struct isthmus_table *table = isthmus_table_new(head, 4);
    for (size_t i = 0; i < network->chains_len; i++)
        for (size_t j = 0; j < network->chains[i].epochs_len; j++) {
            const struct topology_epoch *epoch = &network->chains[i].epochs[j];
            int survives = topology_epoch_survives(epoch);
            isthmus_table_add(table, "%s", network->chains[i].id);
            isthmus_table_add(table, "%llu", (unsigned long long)epoch->number);
            isthmus_table_add(table, "%u of %zu operators", epoch->quorum, topology_epoch_operators(epoch));
            isthmus_table_add(table, "%d equivocating operator%s%s", survives, survives == 1 ? "" : "s",
                              survives == 0 ? " (accepted by name in the document)" : "");
        }
    isthmus_table_print(table);
}

static void print_light(const struct topology_network *network)
{
    static const char *const head[] = {"LIGHT CLIENT OF", "TRUSTING PERIOD", "CLOCK DRIFT", "TRUST LEVEL", "STORE"};
    struct isthmus_table *table = isthmus_table_new(head, 5);
    for (size_t i = 0; i < network->chains_len; i++) {
        const struct topology_light_client *light = &network->chains[i].light;
        if (!topology_chain_is_light(&network->chains[i]))
            continue;
        isthmus_table_add(table, "%s", network->chains[i].id);
        isthmus_table_add(table, "%llu s", (unsigned long long)light->trusting_period);
        isthmus_table_add(table, "%llu s", (unsigned long long)light->clock_drift);
        isthmus_table_add(table, "%u/%u", light->trust_numerator, light->trust_denominator);
        isthmus_table_add(table, "%s", light->store[0] ? light->store : "-");
    }
    if (isthmus_table_rows(table) == 0) {
        isthmus_table_free(table);
        return;
    }
    puts("");
    isthmus_table_print(table);
}

/* The names of a list of chains, or of a relay's neighbours, joined by blanks. */
static void join_chains(char *out, size_t cap, const struct topology_network *network, const uint16_t *list, size_t len)
{
    snprintf(out, cap, "%s", len ? "" : "-");
    for (size_t i = 0; i < len; i++) {
        size_t at = strlen(out);
        snprintf(out + at, cap - at, "%s%s", at ? " " : "", network->chains[list[i]].id);
    }
}

static void join_neighbours(char *out, size_t cap, const struct topology_network *network, size_t relay)
{
    uint16_t list[TOPOLOGY_RELAYS_MAX];
    size_t len = topology_route_neighbours(list, TOPOLOGY_RELAYS_MAX, network, (uint16_t)relay);
    snprintf(out, cap, "%s", len ? "" : "-");
    for (size_t i = 0; i < len; i++) {
        size_t at = strlen(out);
        snprintf(out + at, cap - at, "%s%s", at ? " " : "", network->relays[list[i]].name);
    }
}

static void print_relays(const struct topology_network *network)
{
    static const char *const head[] = {"RELAY", "OPERATOR", "ZONE", "SERVES", "DELIVERS", "LINKED WITH"};
    struct isthmus_table *table = isthmus_table_new(head, 6);
    for (size_t i = 0; i < network->relays_len; i++) {
        const struct topology_relay *relay = &network->relays[i];
        char text[400];
        isthmus_table_add(table, "%s", relay->name);
        isthmus_table_add(table, "%s", operator_name(network, relay->operator_number));
        isthmus_table_add(table, "%s", network->zones[relay->zone].name);
        join_chains(text, sizeof text, network, relay->serves, relay->serves_len);
        isthmus_table_add(table, "%s", text);
        join_chains(text, sizeof text, network, relay->delivers, relay->delivers_len);
        isthmus_table_add(table, "%s", text);
        join_neighbours(text, sizeof text, network, i);
        isthmus_table_add(table, "%s", text);
    }
    isthmus_table_print(table);
}

static void print_lanes(const struct topology_network *network)
{
    static const char *const head[] = {"LANE", "FROM", "TO", "MODE", "STATE", "ID"};
    struct isthmus_table *table = isthmus_table_new(head, 6);
    for (size_t i = 0; i < network->lanes_len; i++) {
        const struct topology_lane *lane = &network->lanes[i];
        char id[65];
        isthmus_table_add(table, "%s", lane->name);
        isthmus_table_add(table, "%s", network->chains[lane->source].id);
        isthmus_table_add(table, "%s", network->chains[lane->destination].id);
        isthmus_table_add(table, "%s, %s", lane->mode & PROOF_MODE_ORDERED ? "in-order" : "any-order",
                          lane->mode & PROOF_MODE_RETRY ? "retry" : "once");
        isthmus_table_add(table, "%s", STATES[lane->state]);
        isthmus_table_add(table, "%s", hex(id, lane->id));
    }
    isthmus_table_print(table);
}

void isthmus_document_print(const struct topology_network *network)
{
    char text[65];
    printf("network %s version %llu hash %s\n\n", network->name, (unsigned long long)network->version,
           hex(text, network->hash));
    isthmus_document_print_epochs(network);
    print_light(network);
    puts("");
    print_relays(network);
    puts("");
    print_lanes(network);
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------- */

static void set_id(struct tools_json *object, const char *key, const uint8_t bytes[32])
{
    char text[65];
    tools_json_set_text(object, key, hex(text, bytes));
}

static struct tools_json *light_json(const struct topology_light_client *light)
{
    struct tools_json *object = tools_json_new_object();
    char level[32];
    snprintf(level, sizeof level, "%u/%u", light->trust_numerator, light->trust_denominator);
    tools_json_set_integer(object, "trusting_period", (int64_t)light->trusting_period);
    tools_json_set_integer(object, "clock_drift", (int64_t)light->clock_drift);
    tools_json_set_text(object, "trust_level", level);
    if (light->store[0])
        tools_json_set_text(object, "store", light->store);
    return object;
}

static struct tools_json *chain_json(const struct topology_chain *chain)
{
    struct tools_json *object = tools_json_new_object(), *epochs = tools_json_new_array();
    tools_json_set_text(object, "id", chain->id);
    tools_json_set_text(object, "family", chain->family);
    set_id(object, "identity", chain->identity);
    tools_json_set_text(object, "suite", proof_suite_name(proof_suite_by_bit(chain->suite)));
    for (size_t i = 0; i < chain->epochs_len; i++) {
        struct tools_json *epoch = tools_json_new_object();
        tools_json_set_integer(epoch, "number", (int64_t)chain->epochs[i].number);
        tools_json_set_integer(epoch, "quorum", chain->epochs[i].quorum);
        tools_json_set_integer(epoch, "operators", (int64_t)topology_epoch_operators(&chain->epochs[i]));
        tools_json_set_integer(epoch, "survives", topology_epoch_survives(&chain->epochs[i]));
        tools_json_append(epochs, epoch);
    }
    tools_json_set(object, "epochs", epochs);
    if (topology_chain_is_light(chain))
        tools_json_set(object, "light_client", light_json(&chain->light));
    return object;
}

static struct tools_json *relay_json(const struct topology_network *network, size_t index)
{
    const struct topology_relay *relay = &network->relays[index];
    struct tools_json *object = tools_json_new_object();
    char text[4096];
    tools_json_set_text(object, "name", relay->name);
    tools_json_set_text(object, "operator", operator_name(network, relay->operator_number));
    tools_json_set_text(object, "zone", network->zones[relay->zone].name);
    set_id(object, "key", relay->key);
    join_chains(text, sizeof text, network, relay->serves, relay->serves_len);
    tools_json_set_text(object, "serves", text);
    join_chains(text, sizeof text, network, relay->delivers, relay->delivers_len);
    tools_json_set_text(object, "delivers", text);
    join_neighbours(text, sizeof text, network, index);
    tools_json_set_text(object, "links", text);
    return object;
}

static struct tools_json *lane_json(const struct topology_network *network, const struct topology_lane *lane)
{
    struct tools_json *object = tools_json_new_object(), *logs = tools_json_new_object();
    tools_json_set_text(object, "name", lane->name);
    set_id(object, "id", lane->id);
    tools_json_set_text(object, "source", network->chains[lane->source].id);
    tools_json_set_text(object, "destination", network->chains[lane->destination].id);
    tools_json_set_text(object, "state", STATES[lane->state]);
    for (unsigned kind = 1; kind <= TOPOLOGY_LOGS_PER_LANE; kind++)
        set_id(logs, proof_log_kind_name((enum proof_log_kind)kind), lane->logs[kind - 1]);
    tools_json_set(object, "logs", logs);
    return object;
}

void isthmus_document_json(const struct topology_network *network)
{
    struct tools_json *object = tools_json_new_object(), *chains = tools_json_new_array(),
                      *zones = tools_json_new_array(), *relays = tools_json_new_array(),
                      *lanes = tools_json_new_array();
    tools_json_set_text(object, "name", network->name);
    tools_json_set_integer(object, "version", (int64_t)network->version);
    tools_json_set_integer(object, "effective", (int64_t)network->effective);
    set_id(object, "hash", network->hash);
    set_id(object, "id", network->id);
    for (size_t i = 0; i < network->chains_len; i++)
        tools_json_append(chains, chain_json(&network->chains[i]));
    for (size_t i = 0; i < network->zones_len; i++) {
        struct tools_json *zone = tools_json_new_object();
        tools_json_set_text(zone, "name", network->zones[i].name);
        set_id(zone, "id", network->zones[i].id);
        tools_json_append(zones, zone);
    }
    for (size_t i = 0; i < network->relays_len; i++)
        tools_json_append(relays, relay_json(network, i));
    for (size_t i = 0; i < network->lanes_len; i++)
        tools_json_append(lanes, lane_json(network, &network->lanes[i]));
    tools_json_set(object, "chains", chains);
    tools_json_set(object, "zones", zones);
    tools_json_set(object, "relays", relays);
    tools_json_set(object, "lanes", lanes);
    isthmus_print_json(object);
    tools_json_free(object);
}
