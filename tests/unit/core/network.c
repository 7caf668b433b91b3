/* The network document of the scenes: two sides of three operators, a relay in the middle that carries only, 2 of 3. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/core/world.h"

static const enum proof_suite SUITE = PROOF_SUITE_KECCAK256_SECP256K1;

uint16_t world_chain_of(uint16_t relay)
{
    return relay < WORLD_MIDDLE ? 0 : 1;
}

static void chain_make(struct world *world, uint16_t index)
{
    struct topology_chain *chain = &world->chains[index];
    struct topology_epoch *epoch = &world->epochs[index];
    snprintf(chain->id, sizeof(chain->id), "eip155:%d", 31337 + index);
    snprintf(chain->family, sizeof(chain->family), "evm");
    memset(chain->genesis, 0x21 + index, 32);
    chain->suite = SUITE;
    chain->finality_depth = MODEL_FINALITY;
    chain->sources = 2;
    memset(chain->outbox + 12, 0x11 + index, 20);
    memset(chain->inbox + 12, 0x33 + index, 20);
    memset(chain->registry + 12, 0x55 + index, 20);
    chain->epochs = epoch;
    chain->epochs_len = 1;
    *epoch = (struct topology_epoch){.number = 1, .quorum = 2, .keys = world->keys[index], .keys_len = WORLD_SIDE};
    /* What arrives at this chain is attested by the operators of the other side. */
    for (uint16_t i = 0; i < WORLD_SIDE; i++) {
        uint16_t relay = (uint16_t)(index == 0 ? WORLD_MIDDLE + 1 + i : i);
        struct proof_key key;
        memset(world->secrets[relay], 0x40 + relay, 32);
        bool made = proof_key_from_secret(&key, SUITE, world->secrets[relay]);
        assert(made);
        epoch->keys[i] = (struct topology_key){.operator_number = (uint16_t)(relay + 1), .suite = SUITE};
        memcpy(epoch->keys[i].id, key.id, 32);
    }
    world->serves[index] = index;
    world->sources[index][0] = (struct relay_source){
        .chain = index, .name = "first", .operator_tag = "a", .network_tag = "a", .software_tag = "a", .submits = true};
    world->sources[index][1] = (struct relay_source){
        .chain = index, .name = "second", .operator_tag = "b", .network_tag = "b", .software_tag = "b"};
}

static void relays_make(struct world *world)
{
    static const char *const ZONES[] = {"west", "strait", "east"};
    size_t links = 0, operators = 0;
    for (size_t i = 0; i < 3; i++)
        snprintf(world->zones[i].name, sizeof(world->zones[i].name), "%s", ZONES[i]);
    for (uint16_t i = 0; i < WORLD_RELAYS; i++) {
        struct topology_relay *relay = &world->relays_of_document[i];
        snprintf(relay->name, sizeof(relay->name), "relay-%d", i);
        relay->key[0] = (uint8_t)(i + 1);
        relay->zone = i < WORLD_MIDDLE ? 0 : i == WORLD_MIDDLE ? 1 : 2;
        for (uint16_t j = (uint16_t)(i + 1); j < WORLD_RELAYS; j++) {
            if (i == WORLD_MIDDLE || j == WORLD_MIDDLE || world_chain_of(i) == world_chain_of(j))
                world->links[links++] = (struct topology_link){i, j};
        }
        if (i == WORLD_MIDDLE)
            continue;
        struct topology_operator *operator= & world->operators[operators++];
        snprintf(operator->name, sizeof(operator->name), "operator-%d", i + 1);
        operator->number = relay->operator_number =(uint16_t)(i + 1);
        operator->side =(uint8_t)(1 + world_chain_of(i));
        relay->serves = relay->delivers = &world->serves[world_chain_of(i)];
        relay->serves_len = relay->delivers_len = 1;
    }
    world->network.links_len = links;
}

void world_network_make(struct world *world)
{
    static const char *const NAMES[] = {"eastward", "westward", "eastward-loose", "westward-loose"};
    struct topology_network *network = &world->network;
    snprintf(network->name, sizeof(network->name), "demo");
    network->version = 1;
    memset(network->hash, 0x44, 32);
    for (uint16_t i = 0; i < MODEL_CHAINS; i++)
        chain_make(world, i);
    relays_make(world);
    for (uint16_t i = 0; i < WORLD_LANES; i++) {
        struct topology_lane *lane = &world->lanes[i];
        snprintf(lane->name, sizeof(lane->name), "%s", NAMES[i]);
        lane->source = i & 1;
        lane->destination = !(i & 1);
        memset(lane->sender + 12, 0x61 + i, 20);
        memset(lane->receiver + 12, 0x71 + i, 20);
        lane->mode = i < 2 ? PROOF_MODE_ORDERED | PROOF_MODE_RETRY : 0;
        lane->generation = 1;
        lane->suites = SUITE;
        lane->evidence = TOPOLOGY_EVIDENCE_AGREEMENT_SLOT;
        lane->window = 1 << 20;
        lane->payload_max = 64 * 1024;
        lane->longest_life = 86400;
    }
    network->operators = world->operators;
    network->operators_len = 2 * WORLD_SIDE;
    network->chains = world->chains;
    network->chains_len = MODEL_CHAINS;
    network->zones = world->zones;
    network->zones_len = 3;
    network->relays = world->relays_of_document;
    network->relays_len = WORLD_RELAYS;
    network->links = world->links;
    network->lanes = world->lanes;
    network->lanes_len = WORLD_LANES;
    bool indexed = topology_network_index(network);
    assert(indexed);
}
