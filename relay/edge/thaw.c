/* What a relay froze, and the operator's word that lifts it (thaw.h). */
#include "relay/edge/thaw.h"

#include <stdlib.h>
#include <string.h>

#include "relay/core/reason.h"
#include "relay/edge/log.h"
#include "relay/edge/relay.h"
#include "relay/store/keys.h"
#include "relay/store/store.h"

static struct bytes row_get(struct store *store, enum store_family family, const uint8_t id[32])
{
    struct store_snapshot *snapshot = store->ops->snapshot_new(store);
    uint8_t *value = NULL;
    size_t len = 0;
    if (snapshot == NULL || store->ops->get(snapshot, family, (struct store_view){id, 32}, &value, &len) != STORE_OK)
        value = NULL;
    if (snapshot != NULL)
        store->ops->snapshot_free(snapshot);
    return (struct bytes){value, value != NULL ? len : 0};
}

static bool chain_frozen(struct store *store, const struct topology_chain *chain)
{
    struct bytes value = row_get(store, STORE_CHAIN, chain->identity);
    struct keys_chain row;
    bool frozen = value.data != NULL && keys_chain_read(&row, value) && row.frozen;
    free((void *)value.data);
    return frozen;
}

/* 0: not frozen; else the reason + 1. thawed, of KEYS_SMALL_VALUE_MAX bytes: the same row, not frozen. */
static unsigned log_frozen(struct store *store, const uint8_t id[32], struct codec_writer *thawed)
{
    struct bytes value = row_get(store, STORE_LOG, id);
    struct keys_log row;
    unsigned frozen = value.data != NULL && keys_log_read(&row, value) ? row.frozen : 0;
    if (frozen != 0) {
        row.frozen = 0;
        keys_log_write(thawed, &row);
    }
    free((void *)value.data);
    return frozen;
}

/* How many things of this name were frozen, put as not frozen into the batch; with name NULL each is printed instead. */
static unsigned look(struct store *store, const struct topology_network *network, const char *name,
                     struct store_batch *batch, FILE *out)
{
    unsigned found = 0;
    for (size_t i = 0; i < network->chains_len; i++) {
        const struct topology_chain *chain = &network->chains[i];
        if ((name != NULL && strcmp(name, chain->id) != 0) || !chain_frozen(store, chain))
            continue;
        found++;
        if (name == NULL)
            fprintf(out, "%s  finality was broken\n", chain->id);
        else
            store->ops->batch_delete(batch, STORE_CHAIN, (struct store_view){chain->identity, 32});
    }
    for (size_t i = 0; i < network->lanes_len * TOPOLOGY_LOGS_PER_LANE; i++) {
        const struct topology_lane *lane = &network->lanes[i / TOPOLOGY_LOGS_PER_LANE];
        const uint8_t *id = lane->logs[i % TOPOLOGY_LOGS_PER_LANE];
        uint8_t value[KEYS_SMALL_VALUE_MAX];
        struct codec_writer thawed;
        codec_writer_init(&thawed, value, sizeof(value));
        unsigned reason = name != NULL && strcmp(name, lane->name) != 0 ? 0 : log_frozen(store, id, &thawed);
        if (reason == 0)
            continue;
        found++;
        if (name == NULL)
            fprintf(out, "%s  log %zu: %s\n", lane->name, i % TOPOLOGY_LOGS_PER_LANE + 1,
                    relay_reason_text(reason - 1));
        else
            store->ops->batch_put(batch, STORE_LOG, (struct store_view){id, 32},
                                  (struct store_view){value, codec_writer_bytes(&thawed).len});
    }
    return found;
}

int edge_thaw_main(const struct config_relay *config, const struct topology_network *network, const char *name,
                   FILE *out)
{
    struct store_options options = {.path = config->store};
    struct store *store;
    char text[512] = "no memory";
    if (store_rocksdb_open(&store, &options, text, sizeof(text)) != STORE_OK) {
        edge_log(RELAY_ALARM, "thaw-failed", config->relay, "%s", text);
        return EDGE_RELAY_EXIT_STORE;
    }
    struct store_batch *batch = store->ops->batch_new(store);
    int code = batch != NULL ? EDGE_RELAY_EXIT_OK : EDGE_RELAY_EXIT_FAILED;
    if (batch != NULL && name != NULL) {
        if (look(store, network, name, batch, out) == 0) {
            snprintf(text, sizeof(text), "%s: no frozen chain or lane of this name", name);
            code = EDGE_RELAY_EXIT_FAILED;
        } else if (store->ops->commit(store, batch) != STORE_OK) {
            store->ops->error(store, text, sizeof(text));
            code = EDGE_RELAY_EXIT_STORE;
        }
    }
    if (code != EDGE_RELAY_EXIT_OK)
        edge_log(RELAY_ALARM, "thaw-failed", config->relay, "%s", text);
    if (look(store, network, NULL, NULL, out) == 0)
        fputs("nothing is frozen\n", out);
    if (batch != NULL)
        store->ops->batch_free(batch);
    store->ops->close(store);
    return code;
}
