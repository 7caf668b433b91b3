/*
 * Header bundles (lights.h).
 */
#include "connectors/cometbft/lights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/cometbft.h"
#include "connectors/cometbft/parse.h"
#include "proofs/codec/pack.h"

enum {
    KNOWN_MAX = 16, /* bundles that are kept */
    SETS_MAX = 32,  /* validator sets that are kept */
    HASHES_MAX = 256,
    FETCHES_MAX = 80,
    PAGE = 100,
    BUNDLE_VERSION = 1,
};

struct buffer {
    uint8_t *data;
    size_t len;
};

struct known {
    struct cometbft_light light; /* height 0: free */
    struct buffer bundle;
};

struct validator_set {
    uint8_t hash[32]; /* as a header names it */
    struct buffer bytes;
};

struct cometbft_lights {
    struct cometbft *cometbft;
    struct known known[KNOWN_MAX];
    struct validator_set sets[SETS_MAX];
    size_t next_known, next_set;
    size_t fetches;
    struct { /* what the node said, by height: it may not say otherwise later */
        uint64_t height;
        uint8_t hash[32];
    } hashes[HASHES_MAX];
};

/* One bundle on its way. */
struct fetch {
    struct cometbft_lights *lights;
    struct cometbft_light light;
    uint8_t validators_hash[32], next_validators_hash[32], parent[32];
    bool has_parent;              /* the first block has none */
    struct buffer header, commit; /* protobuf tendermint.types */
    uint8_t reading[32];          /* the validator set that is being read */
    struct buffer pages;          /* of it: struct cometbft_kept_validator, one after the other */
    size_t validators;
    int64_t page;
    void (*done)(void *context, const struct cometbft_light *light, const char *text);
    void *context;
};

struct cometbft_lights *cometbft_lights_new(struct cometbft *cometbft)
{
    struct cometbft_lights *lights = calloc(1, sizeof *lights);
    if (lights)
        lights->cometbft = cometbft;
    return lights;
}

void cometbft_lights_free(struct cometbft_lights *lights)
{
    if (!lights)
        return;
    for (size_t i = 0; i < KNOWN_MAX; i++)
        free(lights->known[i].bundle.data);
    for (size_t i = 0; i < SETS_MAX; i++)
        free(lights->sets[i].bytes.data);
    free(lights);
}

static bool append(struct buffer *buffer, struct bytes more)
{
    uint8_t *grown = realloc(buffer->data, buffer->len + more.len + 1);
    if (!grown)
        return false;
    if (more.len)
        memcpy(grown + buffer->len, more.data, more.len);
    buffer->data = grown;
    buffer->len += more.len;
    return true;
}

static void finish(struct fetch *fetch, const struct cometbft_light *light, const char *text)
{
    fetch->lights->fetches--;
    fetch->done(fetch->context, light, text);
    free(fetch->header.data);
    free(fetch->commit.data);
    free(fetch->pages.data);
    free(fetch);
}

static const struct validator_set *find_set(const struct cometbft_lights *lights, const uint8_t hash[32])
{
    for (size_t i = 0; i < SETS_MAX; i++)
        if (lights->sets[i].bytes.data && memcmp(lights->sets[i].hash, hash, 32) == 0)
            return &lights->sets[i];
    return NULL;
}

/* False: the node told another header for this height, or for the one before. */
static bool consistent(struct cometbft_lights *lights, const struct fetch *fetch)
{
    const size_t at = fetch->light.height % HASHES_MAX, before = (fetch->light.height - 1) % HASHES_MAX;
    if (lights->hashes[at].height == fetch->light.height && memcmp(lights->hashes[at].hash, fetch->light.hash, 32) != 0)
        return false;
    if (lights->hashes[before].height != 0 && lights->hashes[before].height == fetch->light.height - 1 &&
        (!fetch->has_parent || memcmp(lights->hashes[before].hash, fetch->parent, 32) != 0))
        return false;
    if (lights->hashes[at].height <= fetch->light.height) {
        lights->hashes[at].height = fetch->light.height;
        memcpy(lights->hashes[at].hash, fetch->light.hash, 32);
    }
    return true;
}

/* ---- the bundle -------------------------------------------------------------------------------------------------------- */

static void complete(struct fetch *fetch)
{
    struct cometbft_lights *lights = fetch->lights;
    const struct validator_set *now = find_set(lights, fetch->validators_hash);
    const struct validator_set *next = find_set(lights, fetch->next_validators_hash);
    const bool same = now == next;
    struct codec_pack pack;
    struct known *place = &lights->known[lights->next_known];
    codec_pack_init(&pack, CODEC_CONNECTOR_HEADER_MAX);
    codec_pack_array(&pack, 5);
    codec_pack_uint(&pack, BUNDLE_VERSION);
    codec_pack_bin(&pack, (struct bytes){fetch->header.data, fetch->header.len});
    codec_pack_bin(&pack, (struct bytes){fetch->commit.data, fetch->commit.len});
    codec_pack_bin(&pack, (struct bytes){now->bytes.data, now->bytes.len});
    codec_pack_bin(&pack, (struct bytes){same ? NULL : next->bytes.data, same ? 0 : next->bytes.len});
    const struct bytes bundle = codec_pack_bytes(&pack);
    struct buffer kept = {NULL, 0};
    if (bundle.len == 0 || !append(&kept, bundle)) {
        codec_pack_fini(&pack);
        finish(fetch, NULL, "the header bundle of this height is larger than a message may carry");
        return;
    }
    codec_pack_fini(&pack);
    lights->next_known = (lights->next_known + 1) % KNOWN_MAX;
    free(place->bundle.data);
    place->bundle = kept;
    place->light = fetch->light;
    place->light.bundle = (struct bytes){kept.data, kept.len};
    finish(fetch, &place->light, "");
}

static void ask_sets(struct fetch *fetch);

static void forget_pages(struct fetch *fetch)
{
    free(fetch->pages.data);
    fetch->pages = (struct buffer){NULL, 0};
    fetch->validators = 0;
    fetch->page = 0;
}

/* A ValidatorSet of the pages read, in the order of the set's hash. False without memory. */
static bool write_set(struct buffer *out, const struct fetch *fetch)
{
    const struct cometbft_kept_validator *kept = (const void *)fetch->pages.data;
    struct cometbft_validators set = {.list = calloc(fetch->validators, sizeof *set.list), .len = fetch->validators};
    const size_t cap = fetch->validators * 128;
    uint8_t *data = malloc(cap);
    struct codec_writer writer;
    codec_writer_init(&writer, data, data ? cap : 0);
    for (size_t i = 0; set.list && i < set.len; i++)
        set.list[i] = (struct cometbft_validator){.kind = kept[i].kind,
                                                  .key = {kept[i].key, kept[i].key_len},
                                                  .address = BYTES_OF(kept[i].address),
                                                  .power = kept[i].power};
    if (set.list) {
        cometbft_validators_sort(set.list, set.len);
        cometbft_validators_write(&writer, &set);
    }
    const bool good = set.list && !writer.failed && append(out, codec_writer_bytes(&writer));
    free(set.list);
    free(data);
    return good;
}

/* The place taken is the oldest one's. */
static bool keep_set(struct fetch *fetch)
{
    struct cometbft_lights *lights = fetch->lights;
    struct validator_set *set = &lights->sets[lights->next_set];
    struct buffer bytes = {NULL, 0};
    if (!write_set(&bytes, fetch))
        return false;
    lights->next_set = (lights->next_set + 1) % SETS_MAX;
    free(set->bytes.data);
    memcpy(set->hash, fetch->reading, 32);
    set->bytes = bytes;
    forget_pages(fetch);
    return true;
}

/* The set that is wanted next: that of the header, then the next one; NULL when both are here. */
static const uint8_t *wanted_set(const struct fetch *fetch, uint64_t *height)
{
    *height = fetch->light.height;
    if (!find_set(fetch->lights, fetch->validators_hash))
        return fetch->validators_hash;
    *height = fetch->light.height + 1;
    if (!find_set(fetch->lights, fetch->next_validators_hash))
        return fetch->next_validators_hash;
    return NULL;
}

/* Adds one page; *total: how many validators there are. */
static bool read_page(struct fetch *fetch, int64_t *total, const struct sdk_json *result, struct sdk_arena *arena)
{
    const struct sdk_json *list = sdk_json_member(result, "validators");
    const size_t count = sdk_json_length(list);
    if (!sdk_json_decimal(total, sdk_json_member(result, "total")) || *total < 1 || *total > COMETBFT_VALIDATORS_MAX ||
        count == 0 || count > PAGE)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct cometbft_kept_validator one = {0};
        if (!cometbft_parse_validator(&one, sdk_json_element(list, i), arena) ||
            !append(&fetch->pages, (struct bytes){(const uint8_t *)&one, sizeof one}))
            return false;
    }
    fetch->validators += count;
    return true;
}

static void validators_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct fetch *fetch = context;
    int64_t total = 0;
    if (answer->status != SDK_RPC_OK || answer->replies[0].is_error) {
        finish(fetch, NULL, answer->status != SDK_RPC_OK ? answer->text : answer->replies[0].message);
        return;
    }
    if (!read_page(fetch, &total, answer->replies[0].result, answer->arena)) {
        finish(fetch, NULL, "validators: not a set of validators with ed25519 or secp256k1 keys");
        return;
    }
    if (fetch->validators >= (size_t)total && !find_set(fetch->lights, fetch->reading) && !keep_set(fetch))
        finish(fetch, NULL, "no memory");
    else
        ask_sets(fetch);
}

static void ask_sets(struct fetch *fetch)
{
    uint64_t height;
    struct sdk_rpc_request request;
    const uint8_t *hash = wanted_set(fetch, &height);
    if (!hash) {
        complete(fetch);
        return;
    }
    if (memcmp(fetch->reading, hash, 32) !=
        0) /* the first page, or another fetch brought the set that was being read */
        forget_pages(fetch);
    memcpy(fetch->reading, hash, 32);
    fetch->page++;
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "validators", "{\"height\":\"%" PRIu64 "\",\"page\":\"%" PRId64 "\",\"per_page\":\"%d\"}",
                height, fetch->page, PAGE);
    sdk_rpc_send(fetch->lights->cometbft->rpc, &request, validators_told, fetch);
}

static bool write_signed_header(struct fetch *fetch, const struct cometbft_header *header,
                                const struct cometbft_commit *commit)
{
    const size_t cap = 2048 + commit->votes_len * 160;
    uint8_t *data = malloc(cap);
    struct codec_writer writer;
    codec_writer_init(&writer, data, data ? cap : 0);
    cometbft_header_write(&writer, header);
    bool good = !writer.failed && append(&fetch->header, codec_writer_bytes(&writer));
    codec_writer_init(&writer, data, data ? cap : 0);
    cometbft_commit_write(&writer, commit);
    good = good && !writer.failed && append(&fetch->commit, codec_writer_bytes(&writer));
    free(data);
    return good;
}

static bool read_commit(struct fetch *fetch, const struct sdk_json *result, struct sdk_arena *arena)
{
    struct cometbft_header header = {0};
    struct cometbft_commit commit = {0};
    if (!cometbft_parse_signed_header(&header, &commit, sdk_json_member(result, "signed_header"), arena) ||
        (uint64_t)header.height != fetch->light.height || !write_signed_header(fetch, &header, &commit))
        return false;
    memcpy(fetch->light.hash, commit.block_id.hash.data, 32);
    memcpy(fetch->validators_hash, header.validators_hash.data, 32);
    memcpy(fetch->next_validators_hash, header.next_validators_hash.data, 32);
    fetch->has_parent = header.last_block_id.hash.len == 32;
    if (fetch->has_parent)
        memcpy(fetch->parent, header.last_block_id.hash.data, 32);
    fetch->light.time = (uint64_t)header.time.seconds;
    fetch->light.evidence = cometbft_hash_names_evidence(header.evidence_hash);
    return true;
}

static void commit_told(void *context, const struct sdk_rpc_answer *answer)
{
    struct fetch *fetch = context;
    struct cometbft *cometbft = fetch->lights->cometbft;
    if (answer->status != SDK_RPC_OK || answer->replies[0].is_error) {
        finish(fetch, NULL, answer->status != SDK_RPC_OK ? answer->text : answer->replies[0].message);
    } else if (!read_commit(fetch, answer->replies[0].result, answer->arena)) {
        sdk_notice_nonsense(&cometbft->notices, "commit: not a header and its commit");
        finish(fetch, NULL, "commit: not a header and its commit");
    } else if (!consistent(fetch->lights, fetch)) {
        cometbft_broken(cometbft, fetch->light.height);
        finish(fetch, NULL, "the endpoint told another header before");
    } else {
        ask_sets(fetch);
    }
}

void cometbft_lights_want(struct cometbft_lights *lights, uint64_t height,
                          void (*done)(void *context, const struct cometbft_light *light, const char *text),
                          void *context)
{
    struct sdk_rpc_request request;
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        if (height != 0 && lights->known[i].light.height == height) {
            done(context, &lights->known[i].light, "");
            return;
        }
    }
    struct fetch *fetch = lights->fetches < FETCHES_MAX && height != 0 ? calloc(1, sizeof *fetch) : NULL;
    if (!fetch) {
        done(context, NULL, height ? "too many headers are asked for at once" : "there is no block 0");
        return;
    }
    lights->fetches++;
    fetch->lights = lights;
    fetch->light.height = height;
    fetch->done = done;
    fetch->context = context;
    sdk_rpc_begin(&request);
    sdk_rpc_add(&request, "commit", "{\"height\":\"%" PRIu64 "\"}", height);
    sdk_rpc_send(lights->cometbft->rpc, &request, commit_told, fetch);
}
