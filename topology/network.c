/*
 * The network document in memory: finding things, computing ids, freeing. What is wrong with one: topology/check.c.
 */
#include "topology/network.h"

#include <stdlib.h>
#include <string.h>

#include "proofs/lane.h"
#include "proofs/suite.h"

int topology_relay_by_name(const struct topology_network *network, const char *name)
{
    for (size_t i = 0; i < network->relays_len; i++)
        if (strcmp(network->relays[i].name, name) == 0)
            return (int)i;
    return -1;
}

int topology_relay_by_key(const struct topology_network *network, const uint8_t key[32])
{
    for (size_t i = 0; i < network->relays_len; i++)
        if (memcmp(network->relays[i].key, key, 32) == 0)
            return (int)i;
    return -1;
}

int topology_chain_by_id(const struct topology_network *network, const char *caip2)
{
    for (size_t i = 0; i < network->chains_len; i++)
        if (strcmp(network->chains[i].id, caip2) == 0)
            return (int)i;
    return -1;
}

int topology_zone_by_name(const struct topology_network *network, const char *name)
{
    for (size_t i = 0; i < network->zones_len; i++)
        if (strcmp(network->zones[i].name, name) == 0)
            return (int)i;
    return -1;
}

int topology_lane_by_name(const struct topology_network *network, const char *name)
{
    for (size_t i = 0; i < network->lanes_len; i++)
        if (strcmp(network->lanes[i].name, name) == 0)
            return (int)i;
    return -1;
}

const struct topology_operator *topology_operator_by_number(const struct topology_network *network, uint16_t number)
{
    for (size_t i = 0; i < network->operators_len; i++)
        if (network->operators[i].number == number)
            return &network->operators[i];
    return NULL;
}

int topology_lane_by_log(const struct topology_network *network, const uint8_t log[32], uint8_t *kind)
{
    size_t low = 0, high = network->logs_len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct topology_log *one = &network->logs[middle];
        int order = memcmp(one->id, log, 32);
        if (order == 0) {
            *kind = one->kind;
            return one->lane;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *kind = 0;
    return -1;
}

uint16_t topology_key_operator(const struct topology_epoch *epoch, const uint8_t key_id[32])
{
    for (size_t i = 0; i < epoch->keys_len; i++)
        if (memcmp(epoch->keys[i].id, key_id, 32) == 0)
            return epoch->keys[i].operator_number;
    return 0;
}

size_t topology_epoch_operators(const struct topology_epoch *epoch)
{
    size_t count = 0;
    for (size_t i = 0; i < epoch->keys_len; i++) {
        size_t j = 0;
        while (j < i && epoch->keys[j].operator_number != epoch->keys[i].operator_number)
            j++;
        count += j == i;
    }
    return count;
}

int topology_epoch_survives(const struct topology_epoch *epoch)
{
    /* Two quorums of k out of n share at least 2k - n operators; with f of them saying two words, 2k - n > f is needed. */
    long survives = 2 * (long)epoch->quorum - (long)topology_epoch_operators(epoch) - 1;
    return survives < 0 ? -1 : (int)survives;
}

bool topology_chain_is_light(const struct topology_chain *chain)
{
    return strcmp(chain->family, "cosmos") == 0;
}

uint8_t topology_chain_evidence(const struct topology_chain *chain)
{
    return topology_chain_is_light(chain) ? TOPOLOGY_EVIDENCE_ICS23
                                          : TOPOLOGY_EVIDENCE_AGREEMENT_SLOT | TOPOLOGY_EVIDENCE_AGREEMENT_RECEIPTS;
}

uint16_t topology_log_home(const struct topology_lane *lane, uint8_t kind)
{
    return kind == PROOF_LOG_OUTCOME ? lane->destination : lane->source;
}

uint16_t topology_log_target(const struct topology_lane *lane, uint8_t kind)
{
    return kind == PROOF_LOG_OUTCOME ? lane->source : lane->destination;
}

/* ---- computing ids ------------------------------------------------------------------------------------------------- */

static bool lane_id(uint8_t out[32], const struct topology_network *network, const struct topology_lane *lane,
                    enum proof_suite suite)
{
    const struct topology_chain *source = &network->chains[lane->source];
    const struct topology_chain *destination = &network->chains[lane->destination];
    struct proof_lane words = {.mode = lane->mode, .generation = lane->generation};
    struct proof_result result;

    memcpy(words.network, network->name, sizeof words.network);
    memcpy(words.source, source->id, sizeof words.source);
    memcpy(words.source_genesis, source->genesis, 32);
    memcpy(words.outbox, source->outbox, 32);
    memcpy(words.sender, lane->sender, 32);
    memcpy(words.destination, destination->id, sizeof words.destination);
    memcpy(words.destination_genesis, destination->genesis, 32);
    memcpy(words.inbox, destination->inbox, 32);
    memcpy(words.receiver, lane->receiver, 32);
    return proof_lane_id(out, suite, &words, &result);
}

static int compare_logs(const void *a, const void *b)
{
    return memcmp(((const struct topology_log *)a)->id, ((const struct topology_log *)b)->id, 32);
}

bool topology_network_index(struct topology_network *network)
{
    size_t logs_len = network->lanes_len * TOPOLOGY_LOGS_PER_LANE;
    struct topology_log *logs = calloc(logs_len ? logs_len : 1, sizeof *logs);
    size_t at = 0;

    if (!logs)
        return false;
    proof_network_id(network->id, PROOF_SUITE_BLAKE2B256_ED25519, network->name);
    for (size_t i = 0; i < network->zones_len; i++)
        proof_zone_id(network->zones[i].id, network->id, network->zones[i].name);
    for (size_t i = 0; i < network->chains_len; i++) {
        struct topology_chain *chain = &network->chains[i];
        proof_chain_id(chain->identity, proof_suite_by_bit(chain->suite), chain->id, chain->genesis);
    }
    for (size_t i = 0; i < network->lanes_len; i++) {
        struct topology_lane *lane = &network->lanes[i];
        enum proof_suite suite = proof_suite_by_bit(network->chains[lane->source].suite);
        uint8_t id[32];
        lane_id(lane->id, network, lane, proof_suites_lowest(lane->suites));
        lane_id(id, network, lane, suite);
        for (uint8_t kind = 1; kind <= TOPOLOGY_LOGS_PER_LANE; kind++) {
            proof_log_id(lane->logs[kind - 1], suite, id, (enum proof_log_kind)kind);
            logs[at] = (struct topology_log){.lane = (uint16_t)i, .kind = kind};
            memcpy(logs[at++].id, lane->logs[kind - 1], 32);
        }
    }
    qsort(logs, logs_len, sizeof *logs, compare_logs);
    free(network->logs);
    network->logs = logs;
    network->logs_len = logs_len;
    return true;
}

void topology_network_free(struct topology_network *network)
{
    if (!network)
        return;
    for (size_t i = 0; i < network->chains_len; i++) {
        for (size_t j = 0; j < network->chains[i].epochs_len; j++)
            free(network->chains[i].epochs[j].keys);
        free(network->chains[i].epochs);
    }
    for (size_t i = 0; i < network->relays_len; i++) {
        free(network->relays[i].serves);
        free(network->relays[i].delivers);
    }
    free(network->roots);
    free(network->operators);
    free(network->chains);
    free(network->zones);
    free(network->relays);
    free(network->links);
    free(network->lanes);
    free(network->logs);
    free(network);
}
