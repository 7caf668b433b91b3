/*
 * Making the parts of a relay, taking them apart, and reading the configuration again.
 */
#include "relay/edge/relay_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proofs/codec/sodium.h"
#include "relay/core/verify.h"
#include "relay/edge/keyfile.h"
#include "relay/edge/log.h"
#include "relay/edge/metrics.h"
#include "relay/edge/signer_light.h"
#include "relay/edge/stranger.h"
#include "relay/store/store.h"

static bool fail(char *text, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(char *text, size_t cap, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, cap, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- making -------------------------------------------------------------------------------------------------------- */

static void reload_signalled(void *context)
{
    char text[4096];
    bool done = edge_relay_reload(context, text, sizeof(text));
    for (char *line = text, *next; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        edge_log(done ? RELAY_INFO : RELAY_ALARM, done ? "reloaded" : "reload-refused", NULL, "%s", line);
    }
}

bool edge_relay_init(struct edge_relay *relay, const struct config_relay *config,
                     const struct topology_network *network, char *text, size_t cap)
{
    int self = topology_relay_by_name(network, config->relay);
    struct edge_relay_inner *inner = calloc(1, sizeof(*inner));
    *relay = (struct edge_relay){.config = config, .network = network, .started = edge_loop_now(), .inner = inner};
    relay->loop = edge_loop_new();
    if (self < 0)
        return fail(text, cap, "the network document has no relay `%s`", config->relay);
    relay->self = (uint16_t)self;
    if (mkdir(config->state, 0700) != 0 && errno != EEXIST)
        return fail(text, cap, "state: %s cannot be made: %s", config->state, strerror(errno));
    if (inner != NULL && asprintf(&inner->refused_folder, "%s/refused", config->state) < 0)
        inner->refused_folder = NULL;
    if (inner == NULL || relay->loop == NULL || !edge_source_list(&relay->source_list, config, network))
        return fail(text, cap, "no memory");
    inner->health = edge_health_new(config->sources_len, edge_loop_now());

    inner->tick = edge_timer_new(relay->loop, edge_relay_tick, relay);
    inner->term = edge_signal_new(relay->loop, SIGTERM, edge_relay_drain, relay);
    inner->interrupt = edge_signal_new(relay->loop, SIGINT, edge_relay_drain, relay);
    inner->hangup = edge_signal_new(relay->loop, SIGHUP, reload_signalled, relay);
    if (inner->health == NULL || inner->refused_folder == NULL || inner->tick == NULL || inner->term == NULL ||
        inner->interrupt == NULL || inner->hangup == NULL)
        return fail(text, cap, "no memory");
    return true;
}

bool edge_relay_open_store(struct edge_relay *relay, char *text, size_t cap)
{
    struct store_options options = {
        .path = relay->config->store, .block_cache = relay->config->budgets.cache_bytes, .create = true};
    return store_rocksdb_open(&relay->store, &options, text, cap) == STORE_OK;
}

static void job_drop(struct relay_verify_job *job)
{
    free(job); /* only when all ends: its evidence is the core's and goes with it */
}

static bool attester_keys(struct relay_core_config *core, const struct config_relay *config, char *text, size_t cap)
{
    struct edge_keyfile file;
    for (size_t i = 0; config->signer.present && i < config->signer.keys_len && i < PROOF_SUITE_COUNT; i++) {
        if (edge_keyfile_look(&file, config->signer.keys[i], text, cap) != EDGE_KEYFILE_OK)
            return false;
        memcpy(core->attester_keys[core->attester_keys_len++], file.key.id, 32);
    }
    return true;
}

bool edge_relay_open_core(struct edge_relay *relay, char *text, size_t cap)
{
    const struct config_relay *config = relay->config;
    struct edge_relay_inner *inner = relay->inner;
    int writer_fd, pool_fd;
    struct relay_core_config core = {.network = relay->network,
                                     .self = relay->self,
                                     .sources = relay->source_list,
                                     .sources_len = config->sources_len,
                                     .attests = config->signer.present,
                                     .verify_forwarded = config->verify_forwarded,
                                     .dev = config->dev,
                                     .history = config->budgets.history_messages,
                                     .attester_budget = config->budgets.attester_bytes,
                                     .heartbeat_ms = config->timings.heartbeat_ms,
                                     .pull_wait_ms = config->timings.pull_wait_ms,
                                     .turn_blocks = config->timings.turn_blocks};
    if (!edge_signer_light_trusts(&relay->trusts, &core.trusts_len, config, relay->network))
        return fail(text, cap, "no memory");
    core.trusts = relay->trusts;
    if (!attester_keys(&core, config, text, cap))
        return false;
    relay->core = relay_core_new(&core);
    inner->writer_wake = edge_wake_new(relay->loop, &writer_fd, edge_relay_writer_woken, relay);
    inner->pool_wake = edge_wake_new(relay->loop, &pool_fd, edge_relay_pool_woken, relay);
    if (relay->core == NULL || inner->writer_wake == NULL || inner->pool_wake == NULL)
        return fail(text, cap, "no memory");
    relay->writer = edge_writer_new(&(struct edge_writer_options){.store = relay->store,
                                                                  .wake_fd = writer_fd,
                                                                  .context = relay,
                                                                  .committed = edge_relay_committed,
                                                                  .loaded = edge_relay_loaded,
                                                                  .load_done = edge_relay_load_done});
    relay->pool = edge_pool_new(&(struct edge_pool_options){
        .wake_fd = pool_fd, .run = relay_verify_run, .done = edge_relay_verified, .drop = job_drop, .context = relay});
    if (relay->writer == NULL || relay->pool == NULL)
        return fail(text, cap, "no memory or no threads");
    return true;
}

/* The relay's own Ed25519 key, which must be the one that the network document names. */
static bool relay_secret(uint8_t secret[32], const struct edge_relay *relay, char *text, size_t cap)
{
    const struct config_relay *config = relay->config;
    uint8_t passphrase[EDGE_PASSPHRASE_MAX];
    size_t len = 0;
    struct edge_keyfile file;
    if (config->key_passphrase != NULL && !edge_keyfile_passphrase(passphrase, &len, config->key_passphrase, text, cap))
        return false;
    enum edge_keyfile_status status =
        edge_keyfile_open(&file, secret, config->key_file,
                          (struct bytes){config->key_passphrase != NULL ? passphrase : NULL, len}, text, cap);
    codec_sodium_wipe(passphrase, sizeof(passphrase));
    if (status != EDGE_KEYFILE_OK)
        return false;
    if (file.key.suite == PROOF_SUITE_BLAKE2B256_ED25519 &&
        memcmp(file.key.id, relay->network->relays[relay->self].key, 32) == 0)
        return true;
    codec_sodium_wipe(secret, 32);
    return fail(text, cap, "%s: is not the key that the network document gives to %s", config->key_file, config->relay);
}

static bool mesh_places(struct edge_relay *relay)
{
    const struct config_relay *config = relay->config;
    struct edge_relay_inner *inner = relay->inner;
    inner->zones = calloc(config->listen_len + 1, sizeof(*inner->zones));
    inner->peers = calloc(config->peers_len + 1, sizeof(*inner->peers));
    if (inner->zones == NULL || inner->peers == NULL)
        return false;
    for (size_t i = 0; i < config->listen_len; i++) {
        int zone = topology_zone_by_name(relay->network, config->listen[i].zone);
        if (zone >= 0) /* config_network_accept has said so otherwise */
            inner->zones[inner->zones_len++] = (struct edge_mesh_zone){(uint16_t)zone, config->listen[i].url};
    }
    for (size_t i = 0; i < config->peers_len; i++)
        inner->peers[i] =
            (struct edge_mesh_peer){(uint16_t)topology_relay_by_name(relay->network, config->peers[i].relay),
                                    config->peers[i].publish, config->peers[i].request};
    return true;
}

bool edge_relay_open_mesh(struct edge_relay *relay, char *text, size_t cap)
{
    const struct config_relay *config = relay->config;
    struct edge_relay_inner *inner = relay->inner;
    int mesh_fd;
    inner->mesh_wake = edge_wake_new(relay->loop, &mesh_fd, edge_relay_mesh_woken, relay);
    if (inner->mesh_wake == NULL || !mesh_places(relay))
        return fail(text, cap, "no memory");
    struct edge_mesh_options options = {.network = relay->network,
                                        .self = relay->self,
                                        .request_url = config->request_url,
                                        .zones = inner->zones,
                                        .zones_len = inner->zones_len,
                                        .peers = inner->peers,
                                        .peers_len = config->peers_len,
                                        .tls_certificate_file = config->tls_certificate,
                                        .tls_key_file = config->tls_key,
                                        .tls_ca_file = config->tls_ca,
                                        .insecure_tcp = config->dev,
                                        .silence_ms = config->timings.peer_silence_ms,
                                        .queue_bytes = config->budgets.queue_bytes,
                                        .wake_fd = mesh_fd,
                                        .context = relay,
                                        .held = edge_relay_mesh_held,
                                        .published = edge_relay_published,
                                        .asked = edge_relay_asked,
                                        .answered = edge_relay_answered,
                                        .ask_failed = edge_relay_ask_failed,
                                        .peer_up = edge_relay_peer_up,
                                        .peer_down = edge_relay_peer_down,
                                        .note = edge_relay_mesh_note};
    if (!relay_secret(options.secret, relay, text, cap))
        return false;
    edge_stranger_limit();
    relay->mesh = edge_mesh_new(&options, text, cap);
    codec_sodium_wipe(options.secret, sizeof(options.secret));
    return relay->mesh != NULL;
}

bool edge_relay_open_children(struct edge_relay *relay, char *text, size_t cap)
{
    const char *argv[8] = {"isthmusd", "-x", "signer", "--config", relay->config->path, NULL};
    relay->sources = edge_sources_new(&(struct edge_sources_options){.loop = relay->loop,
                                                                     .config = relay->config,
                                                                     .network = relay->network,
                                                                     .launcher = "/proc/self/exe",
                                                                     .context = relay,
                                                                     .up = edge_relay_source_up,
                                                                     .message = edge_relay_source_message,
                                                                     .down = edge_relay_source_down});
    if (relay->sources == NULL)
        return fail(text, cap, "no memory for the sources");
    if (!relay->config->signer.present)
        return true;
    if (relay->config->dev)
        argv[5] = "--dev";
    relay->signer = edge_child_new(&(struct edge_child_options){.loop = relay->loop,
                                                                .name = "signer",
                                                                .program = "/proc/self/exe",
                                                                .argv = argv,
                                                                .own_log = true,
                                                                .context = relay,
                                                                .up = edge_relay_signer_started,
                                                                .message = edge_relay_signer_message,
                                                                .down = edge_relay_signer_down});
    return relay->signer != NULL || fail(text, cap, "no memory for the signer");
}

static bool control_reload(void *context, char *text, size_t cap)
{
    return edge_relay_reload(context, text, cap);
}

static bool control_release(void *context, const char *process, char *text, size_t cap)
{
    return edge_relay_release(context, process, text, cap);
}

bool edge_relay_open_control(struct edge_relay *relay, char *text, size_t cap)
{
    relay->control = edge_control_new(&(struct edge_control_options){.loop = relay->loop,
                                                                     .relay = relay,
                                                                     .path = relay->config->control_socket,
                                                                     .mode = relay->config->control_mode,
                                                                     .context = relay,
                                                                     .reload = control_reload,
                                                                     .release = control_release},
                                      text, cap);
    return relay->control != NULL;
}

bool edge_relay_open_http(struct edge_relay *relay, char *text, size_t cap)
{
    if (relay->config->http.listen == NULL)
        return true;
    relay->http = edge_http_new(
        &(struct edge_http_options){
            .loop = relay->loop, .listen = relay->config->http.listen, .context = relay, .answer = edge_metrics_answer},
        text, cap);
    return relay->http != NULL;
}

void edge_relay_fini(struct edge_relay *relay)
{
    struct edge_relay_inner *inner = relay->inner;
    edge_http_free(relay->http);
    edge_control_free(relay->control);
    edge_child_free(relay->signer);
    edge_sources_free(relay->sources);
    edge_pool_free(relay->pool);
    edge_writer_free(relay->writer);
    relay_core_free(relay->core);
    if (relay->store != NULL)
        relay->store->ops->close(relay->store);
    if (!edge_mesh_free(relay->mesh)) { /* all is committed and the store closed: not waiting loses nothing */
        edge_log(RELAY_WARNING, "mesh-close-stuck", NULL, "ending without closing its sockets");
        _exit(relay->exit_code);
    }
    if (inner != NULL) {
        edge_timer_free(inner->tick);
        edge_wake_free(inner->writer_wake);
        edge_wake_free(inner->pool_wake);
        edge_wake_free(inner->mesh_wake);
        edge_signal_free(inner->term);
        edge_signal_free(inner->interrupt);
        edge_signal_free(inner->hangup);
        edge_health_free(inner->health);
        free(inner->refused_folder);
        free(inner->zones);
        free(inner->peers);
        free(inner->deferred);
        free(inner);
    }
    edge_loop_free(relay->loop);
    free(relay->source_list);
    free(relay->trusts);
}

/* ---- reading the configuration again ------------------------------------------------------------------------------- */

enum { MORE_MAX = 64 }; /* bytes that say that there is more */

struct difference {
    char *text;
    size_t len, cap;
    bool full;
};

/* What finds no room is not left out in silence. */
static void say(struct difference *out, const char *kind, const char *what)
{
    size_t len = strlen(kind) + strlen(what) + sizeof(": \n") - 1;
    if (out->full)
        return;
    out->full = len > out->cap - out->len - MORE_MAX;
    if (out->full)
        what = "and more, for which there is no room here";
    out->len += (size_t)snprintf(out->text + out->len, out->cap - out->len, "%s: %s\n", kind, what);
}

static void field_differs(void *context, const char *path, bool live)
{
    if (!live)
        say(context, "restart", path);
}

bool edge_relay_reload(struct edge_relay *relay, char *text, size_t cap)
{
    struct config_problems *problems = calloc(1, sizeof(*problems));
    struct config_relay config = {0};
    struct difference out = {.text = text, .cap = cap};
    text[0] = '\0';
    if (problems == NULL)
        return fail(text, cap, "no memory");
    bool good = config_relay_load(&config, relay->config->path, problems);
    config.dev_option = relay->config->dev_option;
    config.dev = config.dev || config.dev_option;
    struct topology_network *network = good ? config_network_accept(&config, problems) : NULL;
    for (size_t i = 0; i < problems->len && (!good || network == NULL); i++) {
        const struct config_problem *problem = &problems->items[i];
        char line[640];
        snprintf(line, sizeof(line), "%s:%u: %s: %s", problem->file, problem->line, problem->path, problem->text);
        say(&out, "refused", line);
    }
    if (network != NULL) {
        edge_log_level((enum relay_level)config.log_level);
        edge_relay_release(relay, NULL, text, cap);
        say(&out, "applied", "log level, quarantines ended");
        config_relay_differ(relay->config, &config, field_differs, &out);
        if (memcmp(network->hash, relay->network->hash, 32) != 0)
            say(&out, "restart", "network document");
    }
    topology_network_free(network);
    config_relay_free(&config);
    free(problems);
    return network != NULL;
}

bool edge_relay_release(struct edge_relay *relay, const char *process, char *text, size_t cap)
{
    bool is_signer = relay->signer != NULL && (process == NULL || strcmp(process, "signer") == 0);
    if (is_signer)
        edge_child_release(relay->signer);
    if (edge_sources_release(relay->sources, process) || is_signer)
        return true;
    return fail(text, cap, "there is no process `%s`", process);
}
