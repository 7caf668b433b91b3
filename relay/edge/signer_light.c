/* One light client a chain, for the signer alone. */
#include "relay/edge/signer_light.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "relay/edge/log.h"
#include "relay/edge/trustfile.h"
#include "relay/store/keys.h"

enum {
    VALIDATORS = 1024, /* a bundle holds fewer */
    KEYS = 256,
    STATES = 32 /* headers from which evidence of below the newest one is judged: as many as the core has */
};

#define NANOSECONDS INT64_C(1000000000)

struct state {                         /* a header that is, or was, trusted; and the validators after it */
    struct proof_cometbft_state state; /* height 0: none */
    uint8_t next[CODEC_CONNECTOR_HEADER_MAX];
    size_t next_len;
};

struct client {
    const struct relay_trust *first; /* NULL: this chain is not followed */
    struct proof_cometbft_trust trust;
    struct state states[STATES]; /* a ring; trust.latest is at `newest` */
    size_t newest;
    struct edge_trustfile *file;
};

struct edge_signer_light {
    const struct topology_network *network;
    struct proof_cometbft_space *space;
    struct client *clients; /* per chain */
    uint8_t value[EDGE_TRUSTFILE_VALUE_MAX];
};

bool edge_signer_light_trusts(struct relay_trust **out, size_t *len, const struct config_relay *config,
                              const struct topology_network *network)
{
    *len = 0;
    *out = calloc(config->trust_len + 1, sizeof(**out));
    for (size_t i = 0; *out != NULL && i < config->trust_len; i++) {
        int chain = topology_chain_by_id(network, config->trust[i].chain);
        if (chain < 0)
            continue;
        struct relay_trust *trust = &(*out)[(*len)++];
        *trust = (struct relay_trust){.chain = (uint16_t)chain, .height = config->trust[i].height};
        memcpy(trust->hash, config->trust[i].hash, 32);
    }
    return *out != NULL;
}

static void state_remember(struct client *client, struct bytes next)
{
    client->newest = (client->newest + 1) % STATES;
    struct state *state = &client->states[client->newest];
    state->state = client->trust.latest;
    memmove(state->next, next.data, next.len);
    state->next_len = next.len;
}

/* The newest one not above a height; NULL: none. */
static const struct state *state_below(const struct client *client, int64_t height)
{
    const struct state *best = NULL;
    for (size_t i = 0; i < STATES; i++) {
        const struct state *state = &client->states[i];
        if (state->state.height > 0 && state->state.height <= height &&
            (best == NULL || state->state.height > best->state.height))
            best = state;
    }
    return best;
}

/* What an earlier life left; one that began with another header is no longer wanted. False: it cannot be read. */
static bool client_restore(struct client *client, const struct topology_chain *chain)
{
    struct bytes value = edge_trustfile_value(client->file);
    struct keys_trust row;
    struct proof_cometbft_trust trust;
    if (value.len == 0)
        return true;
    if (!keys_trust_read(&row, value) || !proof_cometbft_trust_read(&trust, row.trust) ||
        row.next.len > sizeof(client->states[0].next))
        return false;
    client->trust.changes = trust.changes;
    if (row.first_height != client->first->height || memcmp(row.first_hash, client->first->hash, 32) != 0) {
        edge_log(RELAY_INFO, "signer-trust", chain->id, "its operator gives another first header: beginning anew");
        return true;
    }
    client->trust = trust;
    state_remember(client, row.next);
    return true;
}

struct edge_signer_light *edge_signer_light_new(const struct topology_network *network,
                                                const struct relay_trust *trusts, size_t trusts_len, const char *folder,
                                                char *text, size_t cap)
{
    struct edge_signer_light *light = calloc(1, sizeof(*light));
    struct client *clients = calloc(network->chains_len, sizeof(*clients));
    if (light == NULL || clients == NULL) {
        snprintf(text, cap, "no memory");
        free(light);
        free(clients);
        return NULL;
    }
    light->network = network;
    light->clients = clients;
    bool good = true;
    for (size_t i = 0; good && i < trusts_len; i++) {
        const struct topology_chain *chain = &network->chains[trusts[i].chain];
        struct client *client = &clients[trusts[i].chain];
        client->first = &trusts[i];
        client->file = edge_trustfile_open(folder, chain->identity, text, cap);
        good = client->file != NULL;
        if (good && !client_restore(client, chain)) {
            edge_trustfile_malformed(client->file, text, cap);
            good = false;
        }
    }
    if (good && trusts_len > 0 && (light->space = proof_cometbft_space_new(VALIDATORS, KEYS)) == NULL) {
        snprintf(text, cap, "no memory");
        good = false;
    }
    if (good)
        return light;
    edge_signer_light_free(light);
    return NULL;
}

void edge_signer_light_free(struct edge_signer_light *light)
{
    if (light == NULL)
        return;
    for (size_t i = 0; i < light->network->chains_len; i++)
        edge_trustfile_close(light->clients[i].file);
    proof_cometbft_space_free(light->space);
    free(light->clients);
    free(light);
}

bool edge_signer_light_stands(const struct edge_signer_light *light, uint16_t chain, uint64_t *height, uint8_t hash[32])
{
    const struct client *client = &light->clients[chain];
    *height = (uint64_t)client->trust.latest.height;
    memcpy(hash, client->trust.latest.hash, 32);
    return client->first != NULL;
}

uint64_t edge_signer_light_needs(const struct edge_signer_light *light, uint16_t chain)
{
    const struct client *client = &light->clients[chain];
    return client->first != NULL && client->trust.latest.height == 0 ? client->first->height : 0;
}

static bool save(struct edge_signer_light *light, struct client *client, struct edge_signer_light_call *call)
{
    uint8_t trust[PROOF_COMETBFT_TRUST_BYTES_MAX];
    struct codec_writer writer;
    codec_writer_init(&writer, trust, sizeof(trust));
    proof_cometbft_trust_write(&writer, &client->trust);
    struct keys_trust row = {.first_height = client->first->height,
                             .trust = codec_writer_bytes(&writer),
                             .next = {client->states[client->newest].next, client->states[client->newest].next_len}};
    memcpy(row.first_hash, client->first->hash, 32);
    codec_writer_init(&writer, light->value, sizeof(light->value));
    keys_trust_write(&writer, &row);
    call->unsaved = !edge_trustfile_save(client->file, codec_writer_bytes(&writer), call->text, call->cap);
    return !call->unsaved;
}

static enum proof_verdict begin(struct edge_signer_light *light, struct client *client,
                                struct edge_signer_light_call *call, struct proof_cometbft_trust *trust,
                                struct bytes *next, const struct proof_cometbft_options *options)
{
    const char *reference = strchr(light->network->chains[call->chain].id, ':') + 1; /* CAIP-2: checked by topology */
    struct proof_cometbft_height height;
    if (!proof_cometbft_height_read(&height, call->bundle))
        return proof_refuse(&call->result, PROOF_REASON_COMETBFT_BUNDLE, 0);
    enum proof_verdict verdict = proof_cometbft_trust_begin(
        &call->result, trust, light->space, (struct bytes){(const uint8_t *)reference, strlen(reference)},
        (int64_t)client->first->height, client->first->hash, height.block, options);
    *next = height.next_validators;
    return verdict == PROOF_VALID ? proof_cometbft_next_verify(&call->result, light->space, &trust->latest, *next)
                                  : verdict;
}

/* Of a bundle; 0 when it cannot be read. */
static int64_t height_of(struct bytes bundle)
{
    struct proof_cometbft_height height;
    struct cometbft_header header;
    bool read = proof_cometbft_height_read(&height, bundle) && cometbft_header_read(&header, height.block.header);
    return read ? header.height : 0;
}

static enum proof_verdict step(struct edge_signer_light *light, const struct client *client,
                               struct edge_signer_light_call *call, struct proof_cometbft_evidence_fact *fact,
                               struct proof_cometbft_trust *trust, struct bytes *next,
                               const struct proof_cometbft_options *options)
{
    const struct topology_chain *chain = &light->network->chains[call->chain];
    const struct state *from = state_below(client, height_of(call->bundle));
    if (from == NULL)
        return proof_refuse(&call->result, PROOF_REASON_COMETBFT_NOT_NEWER, 0);
    struct bytes kept = {from->next, from->next_len};
    if (from->state.height != trust->latest.height)
        *trust = (struct proof_cometbft_trust){.changes = 1, .latest = from->state};
    if (call->places_len == 0)
        return proof_cometbft_height_verify(&call->result, next, trust, light->space, kept, call->bundle, options);
    struct proof_cometbft_app app = {.store = {(const uint8_t *)chain->light.store, strlen(chain->light.store)}};
    memcpy(app.account, call->account, 32);
    enum proof_verdict verdict =
        proof_cometbft_evidence_verify(&call->result, fact, trust, light->space, kept, &app, call->places,
                                       call->places_len, call->bundle, call->proof, options);
    *next = fact->next_validators;
    return verdict;
}

enum proof_verdict edge_signer_light_verify(struct edge_signer_light *light, struct edge_signer_light_call *call,
                                            struct proof_cometbft_evidence_fact *fact)
{
    const struct topology_light_client *document = &light->network->chains[call->chain].light;
    struct client *client = &light->clients[call->chain];
    struct proof_cometbft_options options = {.now = {.seconds = (int64_t)call->now},
                                             .trusting_period = (int64_t)document->trusting_period * NANOSECONDS,
                                             .clock_drift = (int64_t)document->clock_drift * NANOSECONDS,
                                             .trust_numerator = document->trust_numerator,
                                             .trust_denominator = document->trust_denominator};
    struct proof_cometbft_trust trust = client->trust;
    struct bytes next = {NULL, 0};
    bool begins = client->first != NULL && client->trust.latest.height == 0;
    call->want = 0;
    call->unsaved = false;
    if (client->first == NULL)
        return proof_refuse(&call->result, PROOF_REASON_TRUST_UNSET, 0);
    if (begins && call->places_len > 0) {
        call->want = client->first->height;
        return PROOF_NOT_ENOUGH_TRUST;
    }
    enum proof_verdict verdict = begins ? begin(light, client, call, &trust, &next, &options)
                                        : step(light, client, call, fact, &trust, &next, &options);
    if (verdict == PROOF_NOT_ENOUGH_TRUST && trust.latest.height < client->trust.latest.height)
        return proof_refuse(&call->result, PROOF_REASON_COMETBFT_NOT_NEWER, 0); /* newer evidence shows as much */
    if (verdict == PROOF_NOT_ENOUGH_TRUST) /* halfway (proof_cometbft_bisect_give) */
        call->want = (uint64_t)(trust.latest.height + (height_of(call->bundle) - trust.latest.height) / 2);
    if (verdict != PROOF_VALID)
        return verdict;
    if (trust.latest.height > client->trust.latest.height) {
        if (next.len > sizeof(client->states[0].next))
            return proof_refuse(&call->result, PROOF_REASON_COMETBFT_BUNDLE, 0);
        client->trust = trust;
        state_remember(client, next);
        if (!save(light, client, call))
            return proof_refuse(&call->result, PROOF_REASON_TRUST_UNSET, 0);
    }
    proof_accept(&call->result);
    return PROOF_VALID;
}
