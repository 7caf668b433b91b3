/* A small network of relays for tests of the mesh: three relays and a stranger, keys from fixed seeds, bodies of frames. */
#ifndef TESTS_UNIT_MESH_SCENE_H
#define TESTS_UNIT_MESH_SCENE_H

#include <stdlib.h>
#include <string.h>

#include "proofs/codec/sodium.h"
#include "proofs/frame.h"
#include "topology/network.h"

enum { SCENE_RELAYS = 4, SCENE_UNLINKED = 3 }; /* relay 3 is in the document, but linked only to 2 */

struct scene {
    struct topology_network network;
    struct topology_relay relays[SCENE_RELAYS];
    struct topology_zone zones[2];
    struct topology_link links[4];
    uint8_t seeds[SCENE_RELAYS][32];
};

/* Relays 0 and 1 are in zone 0, relays 2 and 3 in zone 1; 0-1, 0-2, 1-2 and 2-3 are linked. */
static inline void scene_init(struct scene *scene)
{
    static const char *const names[] = {"north", "south", "east", "west"};
    memset(scene, 0, sizeof(*scene));
    for (uint16_t i = 0; i < SCENE_RELAYS; i++) {
        memset(scene->seeds[i], 0x10 + i, 32);
        memcpy(scene->relays[i].name, names[i], strlen(names[i]) + 1);
        scene->relays[i].zone = i < 2 ? 0 : 1;
        if (!codec_sodium_ed25519_public(scene->relays[i].key, scene->seeds[i]))
            abort();
    }
    memset(scene->zones[0].id, 0xa0, 32);
    memset(scene->zones[1].id, 0xa1, 32);
    memset(scene->network.id, 0x77, 32);
    scene->links[0] = (struct topology_link){0, 1};
    scene->links[1] = (struct topology_link){0, 2};
    scene->links[2] = (struct topology_link){1, 2};
    scene->links[3] = (struct topology_link){2, 3};
    scene->network.relays = scene->relays;
    scene->network.relays_len = SCENE_RELAYS;
    scene->network.zones = scene->zones;
    scene->network.zones_len = 2;
    scene->network.links = scene->links;
    scene->network.links_len = 4;
}

/* A body of one range item with `len` (at least 200) bytes of records that begin with number; codec_pack_fini frees it. */
static inline void scene_body(struct codec_pack *pack, uint64_t number, size_t len)
{
    len = len < 200 ? 200 : len;
    uint8_t *records = calloc(1, len);
    for (int i = 0; i < 8; i++)
        records[i] = (uint8_t)(number >> (56 - 8 * i));
    struct proof_item item = {.type = PROOF_ITEM_RANGE};
    memset(item.range.log, 0x5a, 32);
    item.range.from = 1;
    item.range.count = 1;
    item.range.records = (struct bytes){records, len};
    codec_pack_init(pack, PROOF_FRAME_BODY_MAX);
    codec_pack_array(pack, 1);
    if (!proof_item_write(pack, &item) || pack->failed)
        abort();
    free(records);
}

/* The number in a body made by scene_body; 0: something else. */
static inline uint64_t scene_number(struct bytes body)
{
    struct proof_items items;
    struct proof_item item;
    struct proof_frame frame = {.body = body};
    uint64_t number = 0;
    proof_items_init(&items, &frame);
    if (!proof_items_next(&item, &items) || item.type != PROOF_ITEM_RANGE)
        return 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | item.range.records.data[i];
    return number;
}

/* The smallest body: a goodbye. */
static const uint8_t scene_goodbye[] = {0x91, 0x91, 0x06};

#endif
