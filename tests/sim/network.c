/* The network document of a shape: two sides of operators, relays between them that carry only, k of n. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/parts.h"

enum { FIRST_KEY = 0x40, SECOND_KEY = 0x60, NEXT_KEY = 0x80 };

const struct world_shape WORLD_SCENE = {
    .west = WORLD_SIDE,
    .middle = 1,
    .east = WORLD_SIDE,
    .lanes = WORLD_LANES,
    .sources = WORLD_SOURCES,
    .demanded = 2,
    .quorum = 2,
    .keys = 1,
    .suite = PROOF_SUITE_KECCAK256_SECP256K1,
    .modes = {PROOF_MODE_ORDERED | PROOF_MODE_RETRY, PROOF_MODE_ORDERED | PROOF_MODE_RETRY, 0, 0},
    .window = 1 << 20,
    .payload_max = 64 * 1024,
};

uint16_t world_chain_of(const struct world *world, uint16_t relay)
{
    if (relay < world->shape.west)
        return 0;
    return relay < world->shape.west + world->shape.middle ? WORLD_CARRIER : 1;
}

static void key_make(struct proof_key *key, uint8_t secret[32], const struct world *world, int byte)
{
    memset(secret, byte, 32);
    bool made = proof_key_from_secret(key, proof_suite_by_bit(world->shape.suite), secret);
    assert(made);
}

/* An operator's keys in the epoch of the other side's chain, in the order of their ids. */
static void keys_make(struct world *world, struct topology_epoch *epoch, uint16_t relay)
{
    struct proof_key key, spare;
    key_make(&key, world->secrets[relay], world, FIRST_KEY + relay);
    key_make(&spare, world->spare_secrets[relay], world, SECOND_KEY + relay);
    memcpy(world->key_ids[relay], key.id, 32);
    memcpy(world->spare_ids[relay], spare.id, 32);
    bool spare_first = memcmp(spare.id, key.id, 32) < 0;
    for (uint16_t i = 0; i < world->shape.keys; i++) {
        bool first = world->shape.keys == 1 || (i == 0) != spare_first;
        struct topology_key *out = &epoch->keys[epoch->keys_len++];
        *out = (struct topology_key){.operator_number = (uint16_t)(relay + 1), .suite = world->shape.suite};
        memcpy(out->id, first ? key.id : spare.id, 32);
    }
}

static void chain_make(struct world *world, uint16_t index)
{
    static const char *const NAMES[] = {"first", "second", "third"}, *const TAGS[] = {"a", "b", "c"};
    struct topology_chain *chain = &world->chains[index];
    struct topology_epoch *epoch = &world->epochs[index];
    snprintf(chain->id, sizeof(chain->id), "eip155:%d", 31337 + index);
    snprintf(chain->family, sizeof(chain->family), "evm");
    memset(chain->genesis, 0x21 + index, 32);
    chain->suite = world->shape.suite;
    chain->finality_depth = MODEL_FINALITY;
    chain->sources = world->shape.demanded;
    memset(chain->outbox + 12, 0x11 + index, 20);
    memset(chain->inbox + 12, 0x33 + index, 20);
    memset(chain->registry + 12, 0x55 + index, 20);
    chain->epochs = epoch;
    chain->epochs_len = 1;
    *epoch = (struct topology_epoch){.number = 1, .quorum = world->shape.quorum, .keys = world->keys[index]};
    /* What arrives at this chain is attested by the operators of the other side. */
    for (uint16_t relay = 0; relay < world->relays_len; relay++) {
        if (world_chain_of(world, relay) == !index)
            keys_make(world, epoch, relay);
    }
    world->serves[index] = index;
    for (uint16_t i = 0; i < world->shape.sources; i++)
        world->sources[index][i] = (struct relay_source){.chain = index,
                                                         .name = NAMES[i],
                                                         .operator_tag = TAGS[i],
                                                         .network_tag = TAGS[i],
                                                         .software_tag = TAGS[i],
                                                         .submits = i == 0};
}

static bool linked(const struct world *world, uint16_t a, uint16_t b)
{
    uint16_t one = world_chain_of(world, a), other = world_chain_of(world, b);
    return one == other || one == WORLD_CARRIER || other == WORLD_CARRIER || world->shape.direct;
}

static void relays_make(struct world *world)
{
    static const char *const ZONES[] = {"west", "strait", "east"};
    size_t links = 0, operators = 0;
    for (size_t i = 0; i < 3; i++)
        snprintf(world->zones[i].name, sizeof(world->zones[i].name), "%s", ZONES[i]);
    for (uint16_t i = 0; i < world->relays_len; i++) {
        struct topology_relay *relay = &world->relays_of_document[i];
        uint16_t chain = world_chain_of(world, i);
        snprintf(relay->name, sizeof(relay->name), "relay-%d", i);
        relay->key[0] = (uint8_t)(i + 1);
        relay->zone = chain == 0 ? 0 : chain == WORLD_CARRIER ? 1 : 2;
        for (uint16_t j = (uint16_t)(i + 1); j < world->relays_len; j++) {
            if (linked(world, i, j))
                world->links[links++] = (struct topology_link){i, j};
        }
        if (chain == WORLD_CARRIER)
            continue;
        struct topology_operator *operator= & world->operators[operators++];
        snprintf(operator->name, sizeof(operator->name), "operator-%d", i + 1);
        operator->number = relay->operator_number =(uint16_t)(i + 1);
        operator->side =(uint8_t)(1 + chain);
        relay->serves = relay->delivers = &world->serves[chain];
        relay->serves_len = relay->delivers_len = 1;
    }
    world->network.links_len = links;
    world->network.operators_len = operators;
}

static void lanes_make(struct world *world)
{
    static const char *const NAMES[] = {"eastward", "westward", "eastward-loose", "westward-loose"};
    for (uint16_t i = 0; i < world->shape.lanes; i++) {
        struct topology_lane *lane = &world->lanes[i];
        snprintf(lane->name, sizeof(lane->name), "%s", NAMES[i]);
        lane->source = i & 1;
        lane->destination = !(i & 1);
        memset(lane->sender + 12, 0x61 + i, 20);
        memset(lane->receiver + 12, 0x71 + i, 20);
        lane->mode = world->shape.modes[i];
        lane->generation = 1;
        lane->suites = world->shape.suite;
        lane->evidence = TOPOLOGY_EVIDENCE_AGREEMENT_SLOT;
        lane->window = world->shape.window;
        lane->payload_max = world->shape.payload_max;
        lane->longest_life = 86400;
    }
}

uint16_t world_lane_next(struct world *world, uint16_t index)
{
    uint16_t next = world->shape.lanes++;
    assert(next < WORLD_LANES_MAX);
    world->lanes[next] = world->lanes[index];
    world->lanes[next].generation++;
    snprintf(world->lanes[next].name, sizeof(world->lanes[next].name), "next");
    world->shape.modes[next] = world->shape.modes[index];
    world->lanes[index].state = TOPOLOGY_LANE_CLOSED;
    world->logs_len = (uint16_t)(world->shape.lanes * 3);
    world->network.lanes_len = world->shape.lanes;
    world->network.version++;
    memset(world->network.hash, 0x46, 32);
    bool indexed = topology_network_index(&world->network);
    assert(indexed);
    model_lane_next(&world->model, next, index);
    return next;
}

void world_epoch_next(struct world *world, uint16_t chain, uint64_t operators, uint64_t overlap)
{
    const struct topology_epoch *before = &world->epochs[chain];
    struct topology_epoch *epoch = &world->next.epochs[1];
    world->next.epochs[0] = *before;
    *epoch = (struct topology_epoch){
        .number = before->number + 1, .quorum = before->quorum, .keys = world->next.keys, .overlap = overlap};
    for (size_t i = 0; i < before->keys_len; i++) {
        struct topology_key *key = &epoch->keys[epoch->keys_len];
        uint16_t relay = (uint16_t)(before->keys[i].operator_number - 1);
        bool again = i > 0 && before->keys[i - 1].operator_number == before->keys[i].operator_number;
        uint8_t secret[32];
        struct proof_key next;
        *key = before->keys[i];
        if (operators >> relay & 1) {
            key_make(&next, secret, world, NEXT_KEY + relay);
            memcpy(key->id, next.id, 32);
            epoch->keys_len += !again;
        } else {
            epoch->keys_len++;
        }
    }
    memcpy(world->next.chains, world->chains, sizeof(world->chains));
    world->next.chains[chain].epochs = world->next.epochs;
    world->next.chains[chain].epochs_len = 2;
    world->next.network = world->network;
    world->next.network.logs = NULL;
    world->next.network.chains = world->next.chains;
    world->next.network.version++;
    memset(world->next.network.hash, 0x47, 32);
    world->next.chain = chain;
    world->next.operators = operators;
    bool indexed = topology_network_index(&world->next.network);
    assert(indexed);
    world->model.network = &world->next.network;
}

void world_key_next(struct world *world, uint16_t relay)
{
    struct proof_key key;
    assert(world->relays[relay].core == NULL && (world->next.operators >> relay & 1));
    memcpy(world->spare_secrets[relay], world->secrets[relay], 32);
    memcpy(world->spare_ids[relay], world->key_ids[relay], 32);
    key_make(&key, world->secrets[relay], world, NEXT_KEY + relay);
    memcpy(world->key_ids[relay], key.id, 32);
    world->relays[relay].rotated = true;
}

void world_network_make(struct world *world)
{
    struct topology_network *network = &world->network;
    snprintf(network->name, sizeof(network->name), "demo");
    network->version = 1;
    memset(network->hash, 0x44, 32);
    for (uint16_t i = 0; i < MODEL_CHAINS; i++)
        chain_make(world, i);
    relays_make(world);
    lanes_make(world);
    network->operators = world->operators;
    network->chains = world->chains;
    network->chains_len = MODEL_CHAINS;
    network->zones = world->zones;
    network->zones_len = 3;
    network->relays = world->relays_of_document;
    network->relays_len = world->relays_len;
    network->links = world->links;
    network->lanes = world->lanes;
    network->lanes_len = world->shape.lanes;
    bool indexed = topology_network_index(network);
    assert(indexed);
}
