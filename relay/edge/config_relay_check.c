/*
 * What is wrong with the meaning of a relay's own file, as far as it can be known without the network document.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/bytes.h"
#include "relay/edge/config_parts.h"
#include "relay/edge/sandbox.h"

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The first element before `index` that has the same text at `offset` (elements of `stride` bytes); `index`: there is none. So
 * whatever stands there often is said once for each that is too many. */
static size_t same_before(const void *list, size_t stride, size_t offset, size_t index)
{
    const char *at = list, *text, *other;
    memcpy(&text, at + index * stride + offset, sizeof text);
    for (size_t i = 0; text && i < index; i++) {
        memcpy(&other, at + i * stride + offset, sizeof other);
        if (other && strcmp(text, other) == 0)
            return i;
    }
    return index;
}

static void check_url(struct schema_reader *reader, const struct yaml_tree *tree, const struct config_relay *relay,
                      const char *path, const char *url)
{
    if (url && begins(url, "tcp://") && !relay->dev)
        config_say(reader, tree, path, "tcp:// is not private: use tls+tcp://, or set 'dev: true'");
    if (url && begins(url, "tls+tcp://") && !relay->tls_certificate)
        config_say(reader, tree, path, "tls+tcp:// needs the section tls: with certificate, key and ca");
}

static void check_urls(struct schema_reader *reader, const struct yaml_tree *tree, const struct config_relay *relay)
{
    char path[64];
    check_url(reader, tree, relay, "listen.request", relay->request_url);
    for (size_t i = 0; i < relay->listen_len; i++) {
        size_t zone = same_before(relay->listen, sizeof *relay->listen, offsetof(struct config_listen, zone), i);
        size_t url = same_before(relay->listen, sizeof *relay->listen, offsetof(struct config_listen, url), i);
        snprintf(path, sizeof path, "listen.zones[%zu].url", i);
        check_url(reader, tree, relay, path, relay->listen[i].url);
        if (zone < i)
            config_say(reader, tree, path, "zone '%s' has a URL already", relay->listen[zone].zone);
        if (url < i)
            config_say(reader, tree, path, "is the URL of zone '%s', too: each zone has its own socket",
                       relay->listen[url].zone ? relay->listen[url].zone : "?");
    }
    for (size_t i = 0; i < relay->peers_len; i++) {
        size_t first = same_before(relay->peers, sizeof *relay->peers, offsetof(struct config_peer, relay), i);
        snprintf(path, sizeof path, "peers[%zu].publish", i);
        check_url(reader, tree, relay, path, relay->peers[i].publish);
        snprintf(path, sizeof path, "peers[%zu].request", i);
        check_url(reader, tree, relay, path, relay->peers[i].request);
        snprintf(path, sizeof path, "peers[%zu].relay", i);
        if (first < i)
            config_say(reader, tree, path, "'%s' is already peers[%zu]", relay->peers[i].relay, first);
    }
}

/* Where a path leads: what is there without links and dots, then what is not there yet as it is written. NULL: nowhere. */
static char *lead(const char *path)
{
    char there[PATH_MAX], *found, *slash, *whole = NULL;
    snprintf(there, sizeof there, "%s", path);
    while (!(found = realpath(there, NULL)) && (slash = strrchr(there, '/')) != NULL && slash != there)
        *slash = '\0';
    const char *rest = path + strlen(there);
    if (!found) { /* nothing of it: it will be in the root, or where we are */
        found = realpath(*path == '/' ? "/" : ".", NULL);
        rest = path;
    }
    rest += strspn(rest, "/");
    int len = (int)strlen(rest);
    while (len > 0 && rest[len - 1] == '/')
        len--;
    if (!found || asprintf(&whole, "%s%s%.*s", strcmp(found, "/") == 0 ? "" : found, len > 0 ? "/" : "", len, rest) < 0)
        whole = NULL;
    free(found);
    return whole;
}

/* True when path lies in folder, or is it. */
static bool lies_in(const char *path, const char *folder)
{
    char *outer = lead(folder), *inner = outer ? lead(path) : NULL;
    size_t len = inner ? strlen(outer) : 0;
    bool found = inner && strncmp(inner, outer, len) == 0 && (inner[len] == '/' || inner[len] == '\0');
    free(inner);
    free(outer);
    return found;
}

bool config_option_names_file(const struct config_option *option)
{
    size_t len = option->name ? strlen(option->name) : 0, end = strlen("-file");
    return len > end && strcmp(option->name + len - end, "-file") == 0;
}

/* What a connector must not read, and where the relay's file names it. */
struct secret {
    const char *name, *path;
};

enum { SECRETS_MAX = 9 + CONFIG_SIGNER_KEYS_MAX };

static size_t secrets_of(struct secret out[SECRETS_MAX], const struct config_relay *relay)
{
    static const char *const keys[CONFIG_SIGNER_KEYS_MAX] = {"signer.keys[0]", "signer.keys[1]", "signer.keys[2]",
                                                             "signer.keys[3]"};
    const struct config_signer *signer = &relay->signer;
    const struct secret named[] = {{"key.file", relay->key_file},
                                   {"key.passphrase", relay->key_passphrase},
                                   {"tls.key", relay->tls_key},
                                   {"store", relay->store},
                                   {"state", relay->state},
                                   {"signer.guard", signer->guard},
                                   {"signer.passphrase", signer->passphrase},
                                   {"control.socket", relay->control_socket},
                                   {"", relay->path}};
    size_t len = 0;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i].path)
            out[len++] = named[i];
    for (size_t i = 0; i < signer->keys_len; i++)
        out[len++] = (struct secret){keys[i], signer->keys[i]};
    return len;
}

/* A connector reads what `readable` and options ending in -file name: no key of this relay may be there. */
static void check_readable(struct schema_reader *reader, const struct yaml_tree *tree, const struct config_relay *relay,
                           const char *path, const char *readable)
{
    struct secret secrets[SECRETS_MAX];
    size_t len = secrets_of(secrets, relay);
    for (size_t i = 0; readable && i < len; i++) {
        if (!lies_in(secrets[i].path, readable))
            continue;
        config_say(reader, tree, path, "would let the connector read %.100s: name what it needs, in a place of its own",
                   secrets[i].path);
        return;
    }
}

/* Nor where every connector reads: among libraries and certificates. */
static void check_secrets(struct schema_reader *reader, const struct yaml_tree *tree, const struct config_relay *relay)
{
    struct secret secrets[SECRETS_MAX];
    size_t len = relay->sources_len ? secrets_of(secrets, relay) : 0;
    for (size_t i = 0; i < len; i++) {
        const char *const *place = edge_sandbox_readable();
        while (*place && !lies_in(secrets[i].path, *place))
            place++;
        if (*place)
            config_say(reader, tree, secrets[i].name,
                       "%.100s lies in %s, where every connector may read: move it, for example below /etc/isthmus",
                       secrets[i].path, *place);
    }
}

static void check_readables(struct schema_reader *reader, const struct yaml_tree *tree,
                            const struct config_relay *relay)
{
    char path[160];
    for (size_t i = 0; i < relay->sources_len; i++) {
        const struct config_source *source = &relay->sources[i];
        for (size_t j = 0; j < source->readable_len; j++) {
            snprintf(path, sizeof path, "sources[%zu].readable[%zu]", i, j);
            check_readable(reader, tree, relay, path, source->readable[j]);
        }
        for (size_t j = 0; j < source->options_len; j++) {
            snprintf(path, sizeof path, "sources[%zu].options.%.80s", i, source->options[j].name);
            if (config_option_names_file(&source->options[j]))
                check_readable(reader, tree, relay, path, source->options[j].value);
        }
    }
}

/* What the schema refused was left zero, and it said so. */
static bool is_said(const struct schema_reader *reader, const char *path)
{
    const struct config_problems *problems = reader->problems;
    for (size_t i = 0; i < problems->len; i++)
        if (strcmp(problems->items[i].path, path) == 0 && strcmp(problems->items[i].file, reader->file) == 0)
            return true;
    return false;
}

static void check_trust(struct schema_reader *reader, const struct yaml_tree *tree, const struct config_relay *relay)
{
    char path[64];
    for (size_t i = 0; i < relay->trust_len; i++) {
        size_t first = same_before(relay->trust, sizeof *relay->trust, offsetof(struct config_trust, chain), i);
        snprintf(path, sizeof path, "trust[%zu].hash", i);
        if (codec_bytes_are_zero(relay->trust[i].hash, 32) && !is_said(reader, path))
            config_say(reader, tree, path, "is zero: give the hash of the header that you checked");
        snprintf(path, sizeof path, "trust[%zu].chain", i);
        if (first < i)
            config_say(reader, tree, path, "'%s' has a first header already in trust[%zu]", relay->trust[i].chain,
                       first);
    }
}

static void check_rest(struct schema_reader *reader, const struct yaml_tree *tree, const struct config_relay *relay)
{
    char path[64];
    if (relay->control_socket && strlen(relay->control_socket) > CONFIG_SOCKET_PATH_MAX)
        config_say(reader, tree, "control.socket", "has %zu bytes with its folder; a socket's path has at most %d",
                   strlen(relay->control_socket), CONFIG_SOCKET_PATH_MAX);
    for (size_t i = 0; i < relay->sources_len; i++) {
        size_t first = same_before(relay->sources, sizeof *relay->sources, offsetof(struct config_source, name), i);
        snprintf(path, sizeof path, "sources[%zu].name", i);
        if (first < i)
            config_say(reader, tree, path, "'%s' is already the name of sources[%zu]", relay->sources[i].name, first);
    }
    if (relay->signer.guard && relay->store && lies_in(relay->signer.guard, relay->store))
        config_say(reader, tree, "signer.guard",
                   "lies in the store's folder: what wipes or restores the store would take the guard, too, and this "
                   "operator could sign two words: give it a folder of its own");
    if (relay->timings.peer_silence_ms < 2 * relay->timings.heartbeat_ms)
        config_say(reader, tree, "timings.peer_silence_ms",
                   "%u is less than two heartbeats of %u ms: peers would seem to fall silent",
                   relay->timings.peer_silence_ms, relay->timings.heartbeat_ms);
}

void config_relay_check(struct schema_reader *reader, const struct yaml_tree *tree, const struct config_relay *relay)
{
    check_urls(reader, tree, relay);
    check_rest(reader, tree, relay);
    check_trust(reader, tree, relay);
    check_readables(reader, tree, relay);
    check_secrets(reader, tree, relay);
}
