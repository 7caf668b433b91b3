/*
 * Connector processes as sources: who is started, what it is told first, what it must answer.
 */
#include "relay/edge/source.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/hex.h"
#include "relay/edge/log.h"
#include "relay/edge/spent.h"

enum { OPTIONS_OWN = 5, TEXT = 2 * 32 + 3 };

enum stage { WAITS_MANIFEST, WAITS_CONFIGURED, CONFIGURED };

struct source {
    struct edge_sources *all;
    uint16_t index;
    const struct config_source *config;
    const struct topology_chain *chain;
    struct edge_child *child;
    struct edge_timer *patience;
    bool waited; /* EDGE_SOURCE_SLOW_MS have passed, and it was said */
    enum stage stage;
    uint32_t protocol;                  /* that its connector speaks */
    struct edge_source_account account; /* spent outlives the process: its next life is told */
    bool account_known;
};

struct edge_sources {
    struct edge_sources_options options;
    struct source *items;
    size_t len;
    struct connector_scratch *scratch;
    struct codec_pack pack;
    bool hold;
};

bool edge_source_list(struct relay_source **out, const struct config_relay *config,
                      const struct topology_network *network)
{
    struct relay_source *list = calloc(config->sources_len + 1, sizeof(*list));
    bool good = list != NULL;
    for (size_t i = 0; good && i < config->sources_len; i++) {
        const struct config_source *source = &config->sources[i];
        int chain = topology_chain_by_id(network, source->chain);
        good = chain >= 0;
        list[i] = (struct relay_source){.chain = (uint16_t)chain,
                                        .name = source->name,
                                        .operator_tag = source->operator_tag,
                                        .network_tag = source->network_tag,
                                        .software_tag = source->software_tag,
                                        .submits = source->submits};
    }
    if (!good) {
        free(list);
        list = NULL;
    }
    *out = list;
    return good;
}

/* ---- configure ----------------------------------------------------------------------------------------------------- */

/* What all relays must agree on comes from the network document, whatever the local file says. */
struct own_options {
    const char *names[OPTIONS_OWN];
    char values[OPTIONS_OWN][TEXT];
    size_t len;
};

static void own_add(struct own_options *own, const struct topology_chain *chain, const char *name,
                    const uint8_t account[32])
{
    char digits[2 * 32 + 1];
    codec_hex_encode(digits, (struct bytes){account, 32});
    own->names[own->len] = name;
    bool evm = strcmp(chain->family, "evm") == 0;
    snprintf(own->values[own->len++], TEXT, "%s%s", evm ? "0x" : "", digits + (evm ? 24 : 0)); /* the last 20 bytes */
}

static void own_options(struct own_options *own, const struct topology_chain *chain)
{
    own->len = 0;
    own_add(own, chain, "outbox", chain->outbox);
    own_add(own, chain, "inbox", chain->inbox);
    own_add(own, chain, "registry", chain->registry);
    own->names[own->len] = "finality-depth";
    snprintf(own->values[own->len++], TEXT, "%u", (unsigned)chain->finality_depth);
    if (topology_chain_is_light(chain)) {
        own->names[own->len] = "store";
        snprintf(own->values[own->len++], TEXT, "%s", chain->light.store);
    }
}

static bool own_has(const struct own_options *own, const char *name)
{
    for (size_t i = 0; i < own->len; i++) {
        if (strcmp(own->names[i], name) == 0)
            return true;
    }
    return false;
}

static void configure_send(struct source *source)
{
    struct codec_pack *pack = &source->all->pack;
    struct connector_option options[CODEC_CONNECTOR_OPTIONS_MAX];
    struct own_options own;
    struct connector_message message = {.type = CONNECTOR_CONFIGURE};
    struct connector_configure *configure = &message.configure;
    size_t len = 0;
    own_options(&own, source->chain);
    for (size_t i = 0; i < own.len; i++)
        options[len++] =
            (struct connector_option){codec_connector_text(own.names[i]), codec_connector_text(own.values[i])};
    for (size_t i = 0; i < source->config->options_len && len < CODEC_CONNECTOR_OPTIONS_MAX; i++) {
        const struct config_option *option = &source->config->options[i];
        if (own_has(&own, option->name))
            edge_log(RELAY_WARNING, "source-option-ignored", source->config->name,
                     "%s: the network document says what it is", option->name);
        else
            options[len++] =
                (struct connector_option){codec_connector_text(option->name), codec_connector_text(option->value)};
    }
    if (strtod(source->account.spent, NULL) > 0 && len < CODEC_CONNECTOR_OPTIONS_MAX) /* a crash forgets nothing */
        options[len++] =
            (struct connector_option){codec_connector_text("spent"), codec_connector_text(source->account.spent)};
    configure->protocol = source->protocol;
    configure->chain = codec_connector_text(source->chain->id);
    memcpy(configure->genesis, source->chain->genesis, 32);
    configure->options = options;
    configure->options_len = len;
    codec_pack_clear(pack);
    codec_connector_encode(pack, &message);
    if (pack->failed)
        edge_child_ban(source->child, "its options do not fit a message");
    else
        edge_child_send(source->child, codec_pack_bytes(pack));
}

/* ---- the first messages -------------------------------------------------------------------------------------------- */

static bool lists(const struct bytes *texts, size_t len, const char *wanted)
{
    for (size_t i = 0; i < len; i++) {
        if (codec_bytes_equal(texts[i], codec_connector_text(wanted)))
            return true;
    }
    return false;
}

static void manifest_take(struct source *source, const struct connector_manifest *manifest)
{
    char why[128];
    if (manifest->protocol < CODEC_CONNECTOR_PROTOCOL_FIRST || manifest->protocol > CODEC_CONNECTOR_PROTOCOL) {
        snprintf(why, sizeof(why), "speaks protocol %u, not %u to %u: update one of them", (unsigned)manifest->protocol,
                 (unsigned)CODEC_CONNECTOR_PROTOCOL_FIRST, (unsigned)CODEC_CONNECTOR_PROTOCOL);
        edge_child_ban(source->child, why);
        return;
    }
    if (!lists(manifest->families, manifest->families_len, source->chain->family)) {
        snprintf(why, sizeof(why), "does not serve chains of the family %s", source->chain->family);
        edge_child_ban(source->child, why);
        return;
    }
    edge_log(RELAY_INFO, "connector-started", source->config->name, "%.*s %.*s", (int)manifest->name.len,
             (const char *)manifest->name.data, (int)manifest->version.len, (const char *)manifest->version.data);
    source->stage = WAITS_CONFIGURED;
    source->protocol = manifest->protocol;
    configure_send(source);
}

static void configured_take(struct source *source, const struct connector_configured *configured)
{
    char why[200];
    if (!configured->ok) {
        snprintf(why, sizeof(why), "not configured: %.*s",
                 (int)(configured->text.len < 160 ? configured->text.len : 160), (const char *)configured->text.data);
        edge_child_ban(source->child, why);
        return;
    }
    edge_timer_clear(source->patience);
    source->stage = CONFIGURED;
    source->all->options.up(source->all->options.context, source->index);
}

static void first_message(struct source *source, struct bytes body)
{
    struct connector_message message;
    const char *where = "";
    char why[160];
    bool read = codec_connector_decode(&message, source->all->scratch, body, &where);
    if (read && source->stage == WAITS_MANIFEST && message.type == CONNECTOR_MANIFEST) {
        manifest_take(source, &message.manifest);
    } else if (read && source->stage == WAITS_CONFIGURED && message.type == CONNECTOR_CONFIGURED) {
        configured_take(source, &message.configured);
    } else if (read && source->stage == WAITS_CONFIGURED && message.type == CONNECTOR_NOTICE) {
        edge_log(RELAY_WARNING, "source-notice", source->config->name, "%.*s", (int)message.notice.text.len,
                 (const char *)message.notice.text.data);
    } else if (!read || source->stage == WAITS_MANIFEST || message.type != CONNECTOR_STATUS) {
        snprintf(why, sizeof(why), "broke the protocol at its start: %s %s", read ? "unexpected" : "malformed",
                 read ? codec_connector_type_name(message.type) : where);
        edge_child_ban(source->child, why);
    }
}

static void child_up(void *context)
{
    struct source *source = context;
    source->stage = WAITS_MANIFEST;
    edge_child_hold(source->child, source->all->hold);
    source->waited = false;
    edge_timer_set(source->patience, EDGE_SOURCE_SLOW_MS);
}

static void text_keep(char out[81], struct bytes text)
{
    memcpy(out, text.data, text.len); /* at most 80 bytes: the decoder saw to it */
    out[text.len] = '\0';
}

/* ---- what an account spent, beyond this process -------------------------------------------------------------------- */

static bool spent_path(char *out, size_t cap, const struct source *source)
{
    int len = snprintf(out, cap, "%s/spent-%s", source->all->options.config->state, source->config->name);
    return len > 0 && (size_t)len < cap;
}

static void spent_save(const struct source *source)
{
    char path[PATH_MAX];
    if (spent_path(path, sizeof(path), source) && !edge_spent_save(path, edge_loop_unix(), source->account.spent))
        edge_log(RELAY_WARNING, "spent-not-kept", source->config->name,
                 "%s cannot be written: after a restart the account's spending of today is not known", path);
}

static void spent_load(struct source *source)
{
    char path[PATH_MAX];
    if (spent_path(path, sizeof(path), source))
        edge_spent_load(source->account.spent, path, edge_loop_unix());
}

/* The account's figures are for people and alarms, the core has no use for them. False: another message, or malformed. */
static bool account_take(struct source *source, struct bytes body)
{
    struct connector_message message;
    struct edge_source_account *account = &source->account;
    if (body.len < 2 || body.data[1] != CONNECTOR_ACCOUNT ||
        !codec_connector_decode(&message, source->all->scratch, body, NULL) || message.type != CONNECTOR_ACCOUNT)
        return false;
    text_keep(account->balance, message.account.balance);
    char before[sizeof(account->spent)];
    memcpy(before, account->spent, sizeof(before));
    text_keep(account->spent, message.account.spent);
    if (strcmp(before, account->spent) != 0)
        spent_save(source);
    text_keep(account->cap, message.account.cap);
    account->low = message.account.low != 0;
    account->spending = message.account.spending;
    source->account_known = true;
    return true;
}

static void child_message(void *context, struct bytes body)
{
    struct source *source = context;
    if (source->stage == CONFIGURED && account_take(source, body))
        return;
    if (source->stage == CONFIGURED)
        source->all->options.message(source->all->options.context, source->index, body);
    else
        first_message(source, body);
}

static void child_down(void *context, const char *why)
{
    struct source *source = context;
    bool was_up = source->stage == CONFIGURED;
    (void)why; /* the child has logged it */
    source->account_known = false;
    source->stage = WAITS_MANIFEST;
    edge_timer_clear(source->patience);
    if (was_up)
        source->all->options.down(source->all->options.context, source->index);
}

/* Configured only when its node has said which chain it is: a start that takes long says so, and what it waits for. */
static void patience_ended(void *context)
{
    struct source *source = context;
    if (!source->waited) {
        source->waited = true;
        edge_timer_set(source->patience, EDGE_SOURCE_CONFIGURE_MS - EDGE_SOURCE_SLOW_MS);
        edge_log(RELAY_INFO, "source-waits", source->config->name,
                 "%s: its connector %s; nothing of that chain is taken before", source->chain->id,
                 source->stage == WAITS_MANIFEST ? "has not said its manifest yet"
                                                 : "waits for its node to say which chain it is");
        return;
    }
    edge_child_ban(source->child, "said neither yes nor no to its configuration");
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

static size_t readable_add(const char **argv, size_t len, const struct config_source *config)
{
    for (size_t i = 0; i < config->readable_len; i++) {
        argv[len++] = "--read";
        argv[len++] = config->readable[i];
    }
    for (size_t i = 0; i < config->options_len; i++) {
        if (!config_option_names_file(&config->options[i]))
            continue;
        argv[len++] = "--read";
        argv[len++] = config->options[i].value;
    }
    return len;
}

static bool source_init(struct source *source, struct edge_sources *all, uint16_t index)
{
    char digits[2 * 32 + 1];
    const struct config_source *config = &all->options.config->sources[index];
    const char *argv[8 + 2 * EDGE_SOURCE_READABLE_MAX];
    size_t len = 0;
    int chain = topology_chain_by_id(all->options.network, config->chain);
    if (chain < 0)
        return false;
    argv[len++] = "isthmusd";
    argv[len++] = "-x";
    argv[len++] = "connector";
    if (config->program_hash_given) {
        codec_hex_encode(digits, BYTES_OF(config->program_hash));
        argv[len++] = "--hash";
        argv[len++] = digits;
    }
    len = readable_add(argv, len, config);
    argv[len++] = config->program;
    argv[len] = NULL;
    *source =
        (struct source){.all = all, .index = index, .config = config, .chain = &all->options.network->chains[chain]};
    spent_load(source);
    source->child = edge_child_new(&(struct edge_child_options){.loop = all->options.loop,
                                                                .name = config->name,
                                                                .program = all->options.launcher,
                                                                .argv = argv,
                                                                .context = source,
                                                                .up = child_up,
                                                                .message = child_message,
                                                                .down = child_down});
    source->patience = edge_timer_new(all->options.loop, patience_ended, source);
    return source->child != NULL && source->patience != NULL;
}

struct edge_sources *edge_sources_new(const struct edge_sources_options *options)
{
    struct edge_sources *sources = calloc(1, sizeof(*sources));
    if (sources == NULL)
        return NULL;
    sources->options = *options;
    codec_pack_init(&sources->pack, CODEC_CONNECTOR_MESSAGE_MAX);
    sources->scratch = calloc(1, sizeof(*sources->scratch));
    sources->items = calloc(options->config->sources_len + 1, sizeof(*sources->items));
    bool good = sources->scratch != NULL && sources->items != NULL;
    for (; good && sources->len < options->config->sources_len; sources->len++)
        good = source_init(&sources->items[sources->len], sources, (uint16_t)sources->len);
    if (!good) {
        edge_sources_free(sources);
        return NULL;
    }
    return sources;
}

void edge_sources_free(struct edge_sources *sources)
{
    if (sources == NULL)
        return;
    for (size_t i = 0; i < sources->len; i++) {
        edge_child_free(sources->items[i].child);
        edge_timer_free(sources->items[i].patience);
    }
    codec_pack_fini(&sources->pack);
    free(sources->scratch);
    free(sources->items);
    free(sources);
}

void edge_sources_start(struct edge_sources *sources)
{
    for (size_t i = 0; i < sources->len; i++)
        edge_child_start(sources->items[i].child);
}

void edge_sources_stop(struct edge_sources *sources)
{
    for (size_t i = 0; i < sources->len; i++)
        edge_child_stop(sources->items[i].child);
}

bool edge_sources_stopped(const struct edge_sources *sources)
{
    struct edge_child_view view;
    for (size_t i = 0; i < sources->len; i++) {
        edge_child_look(sources->items[i].child, &view);
        if (view.state != EDGE_CHILD_STOPPED)
            return false;
    }
    return true;
}

bool edge_sources_send(struct edge_sources *sources, uint16_t source, struct bytes message)
{
    return source < sources->len && sources->items[source].stage == CONFIGURED &&
           edge_child_send(sources->items[source].child, message);
}

void edge_sources_ban(struct edge_sources *sources, uint16_t source, const char *why)
{
    if (source < sources->len)
        edge_child_ban(sources->items[source].child, why);
}

void edge_sources_hold(struct edge_sources *sources, bool hold)
{
    if (sources->hold == hold)
        return;
    sources->hold = hold;
    for (size_t i = 0; i < sources->len; i++)
        edge_child_hold(sources->items[i].child, hold);
}

bool edge_sources_release(struct edge_sources *sources, const char *name)
{
    bool found = name == NULL;
    for (size_t i = 0; i < sources->len; i++) {
        if (name != NULL && strcmp(name, sources->items[i].config->name) != 0)
            continue;
        edge_child_release(sources->items[i].child);
        found = true;
    }
    return found;
}

bool edge_sources_account(const struct edge_sources *sources, uint16_t source, struct edge_source_account *out)
{
    const bool known = source < sources->len && sources->items[source].account_known;
    *out = known ? sources->items[source].account : (struct edge_source_account){0};
    return known;
}

size_t edge_sources_count(const struct edge_sources *sources)
{
    return sources->len;
}

void edge_sources_look(const struct edge_sources *sources, uint16_t source, struct edge_child_view *out)
{
    edge_child_look(sources->items[source].child, out);
}
