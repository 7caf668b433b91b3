/* What a relay froze, and the operator's word that lifts it (thaw.h). */
#include "relay/edge/thaw.h"

#include <stdlib.h>
#include <string.h>

#include "relay/core/reason.h"
#include "relay/edge/log.h"
#include "relay/edge/relay.h"
#include "relay/store/keys.h"
#include "relay/store/store.h"

/* One look through a store. */
struct look {
    struct store *store;
    struct store_batch *batch; /* what is frozen is put there as not frozen; NULL: it is printed */
    FILE *out;
    unsigned found, unread;
};

/* Empty where there is none; one that the store cannot give counts as unread. */
static struct bytes row_get(struct look *look, enum store_family family, const uint8_t id[32])
{
    const struct store_ops *ops = look->store->ops;
    struct store_snapshot *snapshot = ops->snapshot_new(look->store);
    uint8_t *value = NULL;
    size_t len = 0;
    enum store_status status =
        snapshot == NULL ? STORE_MEMORY : ops->get(snapshot, family, (struct store_view){id, 32}, &value, &len);
    if (snapshot != NULL)
        ops->snapshot_free(snapshot);
    if (status == STORE_OK)
        return (struct bytes){value, len};
    look->unread += status != STORE_NOT_FOUND;
    return (struct bytes){NULL, 0};
}

static void chain_look(struct look *look, const struct topology_chain *chain)
{
    unsigned unread = look->unread;
    struct bytes value = row_get(look, STORE_CHAIN, chain->identity);
    struct keys_chain row = {0};
    look->unread += value.data != NULL && !keys_chain_read(&row, value);
    free((void *)value.data);
    bool known = look->unread == unread;
    look->found += known && row.frozen;
    if (look->batch == NULL && (!known || row.frozen))
        fprintf(look->out, "%s  %s\n", chain->id, known ? "finality was broken" : "cannot be read");
    else if (known && row.frozen)
        look->store->ops->batch_delete(look->batch, STORE_CHAIN, (struct store_view){chain->identity, 32});
}

static void log_look(struct look *look, const struct topology_lane *lane, size_t log)
{
    const uint8_t *id = lane->logs[log];
    unsigned unread = look->unread;
    struct bytes value = row_get(look, STORE_LOG, id);
    struct keys_log row = {0};
    look->unread += value.data != NULL && !keys_log_read(&row, value);
    free((void *)value.data);
    bool known = look->unread == unread;
    unsigned reason = known ? row.frozen : 0;
    look->found += reason != 0;
    if (look->batch == NULL && (!known || reason != 0)) {
        fprintf(look->out, "%s  log %zu: %s\n", lane->name, log + 1,
                known ? relay_reason_text(reason - 1) : "cannot be read");
    } else if (reason != 0) {
        uint8_t thawed[KEYS_SMALL_VALUE_MAX];
        struct codec_writer writer;
        codec_writer_init(&writer, thawed, sizeof(thawed));
        row.frozen = 0;
        keys_log_write(&writer, &row);
        look->store->ops->batch_put(look->batch, STORE_LOG, (struct store_view){id, 32},
                                    (struct store_view){thawed, codec_writer_bytes(&writer).len});
    }
}

/* Everything of this name; NULL: everything. */
static void look_through(struct look *look, const struct topology_network *network, const char *name)
{
    for (size_t i = 0; i < network->chains_len; i++) {
        if (name == NULL || strcmp(name, network->chains[i].id) == 0)
            chain_look(look, &network->chains[i]);
    }
    for (size_t i = 0; i < network->lanes_len * TOPOLOGY_LOGS_PER_LANE; i++) {
        const struct topology_lane *lane = &network->lanes[i / TOPOLOGY_LOGS_PER_LANE];
        if (name == NULL || strcmp(name, lane->name) == 0)
            log_look(look, lane, i % TOPOLOGY_LOGS_PER_LANE);
    }
}

/* An exit code; text says what was wrong. */
static int thaw(struct store *store, const struct topology_network *network, const char *name, char *text, size_t cap)
{
    struct look look = {.store = store, .batch = store->ops->batch_new(store)};
    int code = EDGE_RELAY_EXIT_OK;
    if (look.batch == NULL) {
        snprintf(text, cap, "no memory");
        return EDGE_RELAY_EXIT_FAILED;
    }
    look_through(&look, network, name);
    if (look.unread > 0) {
        snprintf(text, cap, "%s: rows of it cannot be read, so nothing was thawed", name);
        code = EDGE_RELAY_EXIT_STORE;
    } else if (look.found == 0) {
        snprintf(text, cap, "%s: no frozen chain or lane of this name", name);
        code = EDGE_RELAY_EXIT_FAILED;
    } else if (store->ops->commit(store, look.batch) != STORE_OK) {
        store->ops->error(store, text, cap);
        code = EDGE_RELAY_EXIT_STORE;
    }
    store->ops->batch_free(look.batch);
    return code;
}

int edge_thaw_main(const struct config_relay *config, const struct topology_network *network, const char *name,
                   FILE *out)
{
    struct store_options options = {.path = config->store};
    struct store *store;
    char text[512];
    if (store_rocksdb_open(&store, &options, text, sizeof(text)) != STORE_OK) {
        edge_log(RELAY_ALARM, "thaw-failed", config->relay, "%s", text);
        return EDGE_RELAY_EXIT_STORE;
    }
    int code = name != NULL ? thaw(store, network, name, text, sizeof(text)) : EDGE_RELAY_EXIT_OK;
    struct look look = {.store = store, .out = out};
    look_through(&look, network, NULL);
    if (look.unread > 0 && code == EDGE_RELAY_EXIT_OK) {
        snprintf(text, sizeof(text), "%u rows of the store cannot be read: it is damaged, or a newer isthmusd wrote it",
                 look.unread);
        code = EDGE_RELAY_EXIT_STORE;
    }
    if (code != EDGE_RELAY_EXIT_OK)
        edge_log(RELAY_ALARM, "thaw-failed", config->relay, "%s", text);
    if (look.found + look.unread == 0)
        fputs("nothing is frozen\n", out);
    store->ops->close(store);
    return code;
}
