/*
 * What is trusted of a chain with a light client: the trust itself, the headers that led to it, newest first, and its row in the
 * store, from which the next life of this relay goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/core/parts.h"

static uint8_t *copy_of(struct bytes bytes)
{
    uint8_t *copy = core_alloc(NULL, bytes.len ? bytes.len : 1, 1);
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return copy;
}

static void state_drop(struct core_light_state *state)
{
    free(state->bundle);
    free(state->next);
    *state = (struct core_light_state){0};
}

struct core_light_state *core_trust_at(struct core_light *light, uint64_t height)
{
    for (size_t i = 0; i < CORE_LIGHT_STATES && light->states[i].state.height > 0; i++) {
        if ((uint64_t)light->states[i].state.height == height)
            return &light->states[i];
    }
    return NULL;
}

const struct core_light_state *core_trust_below(const struct core_light *light, uint64_t height)
{
    for (size_t i = 0; i < CORE_LIGHT_STATES && light->states[i].state.height > 0; i++) {
        if ((uint64_t)light->states[i].state.height <= height)
            return &light->states[i];
    }
    return NULL;
}

void core_trust_remember(struct core_light *light, const struct proof_cometbft_state *state, int64_t from,
                         struct bytes next, struct bytes bundle)
{
    size_t at = 0;
    while (at < CORE_LIGHT_STATES && light->states[at].state.height > state->height)
        at++;
    if (at == CORE_LIGHT_STATES)
        return;
    state_drop(&light->states[CORE_LIGHT_STATES - 1]);
    memmove(&light->states[at + 1], &light->states[at], (CORE_LIGHT_STATES - 1 - at) * sizeof(light->states[0]));
    light->states[at] = (struct core_light_state){
        .state = *state, .from = (uint64_t)from, .bundle_len = bundle.len, .next_len = next.len};
    light->states[at].next = copy_of(next);
    light->states[at].bundle = bundle.len > 0 ? copy_of(bundle) : NULL;
}

void core_trust_take(struct relay_core *core, struct core_light *light, const struct proof_cometbft_trust *trust,
                     struct bytes next, struct bytes bundle)
{
    uint8_t *kept = copy_of(next); /* a view into what may go now */
    free(light->next);
    light->next = kept;
    light->next_len = next.len;
    light->trust = *trust;
    core_trust_remember(light, &trust->latest, trust->before.height, next, bundle);
    core_trust_write(core, light);
}

void core_trust_free(struct core_light *light)
{
    for (size_t i = 0; i < CORE_LIGHT_STATES; i++)
        state_drop(&light->states[i]);
    free(light->next);
}

void core_trust_write(struct relay_core *core, struct core_light *light)
{
    uint8_t key[KEYS_TRUST_BYTES], trust[PROOF_COMETBFT_TRUST_BYTES_MAX];
    struct codec_writer writer;
    codec_writer_init(&writer, trust, sizeof(trust));
    proof_cometbft_trust_write(&writer, &light->trust);
    struct keys_trust row = {.first_height = light->first->height,
                             .trust = codec_writer_bytes(&writer),
                             .next = {light->next, light->next_len}};
    const struct core_light_state *latest = &light->states[0];
    const struct core_light_state *before = core_trust_at(light, (uint64_t)light->trust.before.height);
    if (latest->state.height == light->trust.latest.height && latest->bundle != NULL)
        row.bundle = (struct bytes){latest->bundle, latest->bundle_len};
    if (before != NULL)
        row.before_next = (struct bytes){before->next, before->next_len};
    memcpy(row.first_hash, light->first->hash, 32);
    size_t cap = KEYS_TRUST_OVERHEAD + row.trust.len + row.next.len + row.bundle.len + row.before_next.len;
    uint8_t *value = core_scratch(core, cap);
    codec_writer_init(&writer, value, cap);
    keys_trust_write(&writer, &row);
    keys_trust_key(key, core->network->chains[light->chain].identity);
    core_put(core, STORE_CHAIN, BYTES_OF(key), codec_writer_bytes(&writer));
    light->write = core->write_id;
}

/* Another first header than the one that this trust began with: its operator begins anew. */
static bool begins_anew(const struct core_light *light, const struct keys_trust *row)
{
    return light->first->height != row->first_height || memcmp(light->first->hash, row->first_hash, 32) != 0;
}

bool core_trust_restore(struct relay_core *core, uint16_t chain, struct bytes value)
{
    struct core_light *light = core->lights[chain];
    struct proof_cometbft_trust trust;
    struct keys_trust row;
    if (!keys_trust_read(&row, value) || !proof_cometbft_trust_read(&trust, row.trust))
        return false;
    if (light == NULL || light->first == NULL)
        return true;
    if (begins_anew(light, &row)) {
        light->trust.changes = trust.changes; /* goes on counting: of two copies the later one has more */
        return true;
    }
    light->trust = trust;
    light->next = copy_of(row.next);
    light->next_len = row.next.len;
    if (row.before_next.len > 0 && trust.before.height > 0) /* to prove an attack against the newest one from there */
        core_trust_remember(light, &trust.before, 0, row.before_next, (struct bytes){NULL, 0});
    core_trust_remember(light, &trust.latest, trust.before.height, row.next, row.bundle);
    return true;
}
