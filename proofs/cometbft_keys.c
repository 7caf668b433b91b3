/*
 * Expanded keys: found by their encoding, kept until others need the room, the longest kept first.
 */
#include <stdlib.h>
#include <string.h>

#include "proofs/cometbft_inside.h"

enum { ALIGN = 64, NONE = UINT32_MAX };

struct cometbft_key_store {
    struct codec_ed25519_key *keys; /* cap of them */
    uint32_t *next;                 /* chain of a bucket */
    uint32_t *buckets;              /* cap of them */
    uint64_t *used_at;              /* call in which the key was last found; 0: the place is empty */
    size_t cap;
    size_t victim; /* the place to be given away next */
    uint64_t call;
};

struct cometbft_key_store *cometbft_keys_new(size_t count)
{
    struct cometbft_key_store *store = calloc(1, sizeof *store);
    if (!store)
        return NULL;
    store->cap = count;
    store->keys = aligned_alloc(ALIGN, (count * sizeof *store->keys + ALIGN - 1) / ALIGN * ALIGN);
    store->next = calloc(count, sizeof *store->next);
    store->buckets = calloc(count, sizeof *store->buckets);
    store->used_at = calloc(count, sizeof *store->used_at);
    if (!store->keys || !store->next || !store->buckets || !store->used_at) {
        cometbft_keys_free(store);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        store->buckets[i] = NONE;
    return store;
}

void cometbft_keys_free(struct cometbft_key_store *store)
{
    if (!store)
        return;
    free(store->keys);
    free(store->next);
    free(store->buckets);
    free(store->used_at);
    free(store);
}

static uint32_t *bucket_of(struct cometbft_key_store *store, const uint8_t encoded[32])
{
    uint64_t word;
    memcpy(&word, encoded, sizeof word); /* a point's encoding is as good as random */
    return &store->buckets[word % store->cap];
}

static size_t find(struct cometbft_key_store *store, const uint8_t encoded[32])
{
    uint32_t place = *bucket_of(store, encoded);
    while (place != NONE && memcmp(store->keys[place].encoded, encoded, 32) != 0)
        place = store->next[place];
    return place;
}

static void unlink_place(struct cometbft_key_store *store, uint32_t place)
{
    uint32_t *link = bucket_of(store, store->keys[place].encoded);
    while (*link != place)
        link = &store->next[*link];
    *link = store->next[place];
}

/* A place that no key of this call uses; cap > COMETBFT_BATCH, so there is one. */
static uint32_t take_place(struct cometbft_key_store *store, const uint8_t encoded[32])
{
    while (store->used_at[store->victim] == store->call)
        store->victim = (store->victim + 1) % store->cap;
    uint32_t place = (uint32_t)store->victim;
    store->victim = (store->victim + 1) % store->cap;
    if (store->used_at[place] != 0)
        unlink_place(store, place);
    uint32_t *bucket = bucket_of(store, encoded);
    store->next[place] = *bucket;
    *bucket = place;
    memcpy(store->keys[place].encoded, encoded, 32);
    return place;
}

void cometbft_keys_find(const struct codec_ed25519_key **keys, struct cometbft_key_store *store,
                        const uint8_t *const *encoded, size_t count)
{
    struct codec_ed25519_key *fresh[COMETBFT_BATCH];
    const uint8_t *fresh_encoded[COMETBFT_BATCH];
    size_t fresh_count = 0;
    store->call++;
    /* all that are there are held before a place is given away */
    for (size_t i = 0; i < count; i++) {
        size_t place = find(store, encoded[i]);
        if (place != NONE)
            store->used_at[place] = store->call;
    }
    for (size_t i = 0; i < count; i++) {
        size_t place = find(store, encoded[i]);
        if (place == NONE) {
            place = take_place(store, encoded[i]);
            store->used_at[place] = store->call;
            fresh[fresh_count] = &store->keys[place];
            fresh_encoded[fresh_count++] = encoded[i];
        }
        keys[i] = &store->keys[place];
    }
    codec_ed25519_keys_expand(fresh, fresh_encoded, fresh_count);
}
