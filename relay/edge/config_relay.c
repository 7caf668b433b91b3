/*
 * One relay's own file: its schema.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "relay/core/core.h"
#include "relay/edge/config_parts.h"
#include "relay/edge/http.h"
#include "relay/edge/schema.h"

/* ---- single fields ------------------------------------------------------------------------------------------------- */

static char *copy_text(struct schema_reader *reader, const struct yaml_tree_node *node, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        schema_say(reader, node, "no memory");
    return copy;
}

/* An owned name: char *. */
static void read_name(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                      void *object)
{
    const char *text = schema_text(reader, node);
    size_t len = text ? strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;
    if (!text)
        return;
    if (text[len] != '\0' || len > TOPOLOGY_NAME_MAX) {
        schema_say(reader, node, "'%.40s' is no name: use 1 to 32 of a-z 0-9 -", text);
        return;
    }
    char **member = (char **)((char *)object + field->offset);
    free(*member);
    *member = copy_text(reader, node, text);
}

/* control.mode: octal, as chmod writes it. */
static void read_octal(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *object)
{
    const char *text = schema_text(reader, node);
    char *end = NULL;
    unsigned long mode = text ? strtoul(text, &end, 8) : 0;
    if (!text)
        return;
    if (*end || strlen(text) > 4 || (mode & ~0666ul) || !(mode & 0600))
        schema_say(reader, node, "'%.10s' is no mode: write 0600, 0660 or 0666", text);
    else
        *(uint32_t *)((char *)object + field->offset) = (uint32_t)mode;
}

/* http.listen: address and port in numbers. */
static void read_address(struct schema_reader *reader, const struct schema_field *field,
                         const struct yaml_tree_node *node, void *object)
{
    const char *text = schema_text(reader, node);
    if (!text)
        return;
    if (!edge_http_address_valid(text))
        schema_say(reader, node, "'%.60s' is no address: write 127.0.0.1:9464, or [::1]:9464", text);
    else
        *(char **)((char *)object + field->offset) = copy_text(reader, node, text);
}

/* A mapping of free keys to texts; each element is two owned texts. */
static void read_options(struct schema_reader *reader, const struct schema_field *field,
                         const struct yaml_tree_node *node, void *object)
{
    struct config_source *source = object;
    (void)field;
    if (node->kind != YAML_KIND_MAPPING || node->count > CONFIG_OPTIONS_MAX) {
        schema_say(reader, node, "is no mapping of at most %d 'option: value' lines", CONFIG_OPTIONS_MAX);
        return;
    }
    source->options = calloc(node->count + 1, sizeof *source->options);
    if (!source->options) {
        schema_say(reader, node, "no memory");
        return;
    }
    for (const struct yaml_tree_node *child = node->first; child; child = child->next) {
        size_t length = schema_enter_key(reader, child->key);
        const char *text = schema_text(reader, child);
        if (text) {
            struct config_option *option = &source->options[source->options_len++];
            option->name = copy_text(reader, child, child->key);
            option->value = copy_text(reader, child, text);
        }
        schema_leave(reader, length);
    }
}

/* roots: a mapping of names to keys. */
static void read_roots(struct schema_reader *reader, const struct schema_field *field,
                       const struct yaml_tree_node *node, void *object)
{
    struct config_relay *relay = object;
    (void)field;
    if (node->kind != YAML_KIND_MAPPING || node->count == 0 || node->count > CONFIG_ROOTS_MAX) {
        schema_say(reader, node, "is no mapping of 1 to %d 'root: key' lines", CONFIG_ROOTS_MAX);
        return;
    }
    relay->roots = calloc(node->count, sizeof *relay->roots);
    if (!relay->roots) {
        schema_say(reader, node, "no memory");
        return;
    }
    for (const struct yaml_tree_node *child = node->first; child; child = child->next) {
        size_t length = schema_enter_key(reader, child->key);
        const char *text = schema_text(reader, child);
        struct config_root *root = &relay->roots[relay->roots_len];
        if (text && !codec_hex_decode_exact(root->key, 32, text, strlen(text)))
            schema_say(reader, child, "'%.20s' is no root key: 64 hex digits, as 'isthmus keys show' prints them",
                       text);
        else if (text && (root->name = copy_text(reader, child, child->key)))
            relay->roots_len++;
        schema_leave(reader, length);
    }
}

static void read_program_hash(struct schema_reader *reader, const struct schema_field *field,
                              const struct yaml_tree_node *node, void *object)
{
    struct config_source *source = object;
    const char *text = schema_text(reader, node);
    (void)field;
    source->program_hash_given = text && codec_hex_decode_exact(source->program_hash, 32, text, strlen(text));
    if (text && !source->program_hash_given)
        schema_say(reader, node, "is not 64 hex digits: b2sum -l 256 PROGRAM prints them");
}

/* A list of at most `max` paths, at least `min`. */
static void read_paths(struct schema_reader *reader, const struct yaml_tree_node *node, size_t min, size_t max,
                       char **paths, size_t *len)
{
    static const struct schema_field path_field = {.key = "", .kind = SCHEMA_PATH};
    size_t index = 0;
    if (node->kind != YAML_KIND_LIST || node->count < min || node->count > max) {
        schema_say(reader, node, "is no list of %zu to %zu paths: write them in [ ]", min, max);
        return;
    }
    for (const struct yaml_tree_node *child = node->first; child; child = child->next) {
        size_t length = schema_enter_index(reader, index);
        schema_read_value(reader, &path_field, child, &paths[index]);
        if (paths[index])
            *len = ++index;
        schema_leave(reader, length);
    }
}

/* signer.keys: one a suite. */
static void read_key_files(struct schema_reader *reader, const struct schema_field *field,
                           const struct yaml_tree_node *node, void *object)
{
    struct config_signer *signer = object;
    (void)field;
    read_paths(reader, node, 1, CONFIG_SIGNER_KEYS_MAX, signer->keys, &signer->keys_len);
}

static void read_readable(struct schema_reader *reader, const struct schema_field *field,
                          const struct yaml_tree_node *node, void *object)
{
    struct config_source *source = object;
    (void)field;
    read_paths(reader, node, 0, CONFIG_READABLE_MAX, source->readable, &source->readable_len);
}

static void read_signer(struct schema_reader *reader, const struct schema_field *field,
                        const struct yaml_tree_node *node, void *object)
{
    struct config_relay *relay = object;
    relay->signer.present = true;
    schema_read(reader, field->fields, node, &relay->signer);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* tls+tcp://host:port, tcp://host:port or ipc:///path, with a port that is a number. */
static void read_url(struct schema_reader *reader, const struct schema_field *field, const struct yaml_tree_node *node,
                     void *object)
{
    const char *text = schema_text(reader, node);
    char **member = (char **)((char *)object + field->offset);
    if (!text)
        return;
    if (begins(text, "ipc:///") && strlen(text) - strlen("ipc://") <= CONFIG_SOCKET_PATH_MAX) {
        *member = copy_text(reader, node, text);
        return;
    }
    if (begins(text, "ipc:")) {
        schema_say(reader, node, "'%.60s' is no ipc URL: write ipc:///absolute/path of at most %d bytes", text,
                   CONFIG_SOCKET_PATH_MAX);
        return;
    }
    const char *host = begins(text, "tls+tcp://") ? text + 10 : begins(text, "tcp://") ? text + 6 : NULL;
    const char *colon = host ? strrchr(host, ':') : NULL;
    char *end = NULL;
    unsigned long port = colon && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || colon == host || !end || *end || port == 0 || port > 65535 || strlen(text) > 255)
        schema_say(reader, node, "'%.60s' is no URL: write tls+tcp://host:port or ipc:///path", text);
    else
        *member = copy_text(reader, node, text);
}

/* ---- comparing those fields ---------------------------------------------------------------------------------------- */

static bool texts_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_text(const struct schema_field *field, const void *old, const void *new)
{
    return texts_same(*(char *const *)(const void *)((const char *)old + field->offset),
                      *(char *const *)(const void *)((const char *)new + field->offset));
}

static bool same_number(const struct schema_field *field, const void *old, const void *new)
{
    return memcmp((const char *)old + field->offset, (const char *)new + field->offset, field->size) == 0;
}

static bool same_roots(const struct schema_field *field, const void *old, const void *new)
{
    const struct config_relay *a = old, *b = new;
    bool equal = a->roots_len == b->roots_len;
    (void)field;
    for (size_t i = 0; equal && i < a->roots_len; i++)
        equal = texts_same(a->roots[i].name, b->roots[i].name) && memcmp(a->roots[i].key, b->roots[i].key, 32) == 0;
    return equal;
}

static bool same_program_hash(const struct schema_field *field, const void *old, const void *new)
{
    const struct config_source *a = old, *b = new;
    (void)field;
    return a->program_hash_given == b->program_hash_given && memcmp(a->program_hash, b->program_hash, 32) == 0;
}

static bool same_options(const struct schema_field *field, const void *old, const void *new)
{
    const struct config_source *a = old, *b = new;
    bool equal = a->options_len == b->options_len;
    (void)field;
    for (size_t i = 0; equal && i < a->options_len; i++)
        equal =
            texts_same(a->options[i].name, b->options[i].name) && texts_same(a->options[i].value, b->options[i].value);
    return equal;
}

/* Places that hold no path are NULL. */
static bool paths_same(char *const *a, char *const *b, size_t max)
{
    bool equal = true;
    for (size_t i = 0; equal && i < max; i++)
        equal = texts_same(a[i], b[i]);
    return equal;
}

static bool same_key_files(const struct schema_field *field, const void *old, const void *new)
{
    (void)field;
    return paths_same(((const struct config_signer *)old)->keys, ((const struct config_signer *)new)->keys,
                      CONFIG_SIGNER_KEYS_MAX);
}

static bool same_readable(const struct schema_field *field, const void *old, const void *new)
{
    (void)field;
    return paths_same(((const struct config_source *)old)->readable, ((const struct config_source *)new)->readable,
                      CONFIG_READABLE_MAX);
}

/* ---- the tables ---------------------------------------------------------------------------------------------------- */

#define YES .required = true

static const struct schema_word level_words[] = {{"debug", CONFIG_LOG_DEBUG},
                                                 {"info", CONFIG_LOG_INFO},
                                                 {"warning", CONFIG_LOG_WARNING},
                                                 {"alarm", CONFIG_LOG_ALARM},
                                                 {NULL, 0}};

static const struct schema_field control_fields[] = {
    {"socket", SCHEMA_PATH, SCHEMA_AT(config_relay, control_socket), YES},
    {"mode", SCHEMA_CUSTOM, SCHEMA_OF(config_relay, control_mode), .standard = 0660, .custom = read_octal,
     .same = same_number},
    {0}};

static const struct schema_field http_fields[] = {
    {"listen", SCHEMA_CUSTOM, SCHEMA_AT(config_http, listen), YES, .custom = read_address, .same = same_text},
    {"stall_s", SCHEMA_NUMBER, SCHEMA_OF(config_http, stall_s), .min = 1, .max = 86400, .standard = 120},
    {0}};

static const struct schema_field key_fields[] = {{"file", SCHEMA_PATH, SCHEMA_AT(config_relay, key_file), YES},
                                                 {"passphrase", SCHEMA_PATH, SCHEMA_AT(config_relay, key_passphrase)},
                                                 {0}};

static const struct schema_field tls_fields[] = {
    {"certificate", SCHEMA_PATH, SCHEMA_AT(config_relay, tls_certificate), YES},
    {"key", SCHEMA_PATH, SCHEMA_AT(config_relay, tls_key), YES},
    {"ca", SCHEMA_PATH, SCHEMA_AT(config_relay, tls_ca), YES},
    {0}};

static const struct schema_field zone_fields[] = {
    {"zone", SCHEMA_CUSTOM, SCHEMA_AT(config_listen, zone), YES, .custom = read_name, .same = same_text},
    {"url", SCHEMA_CUSTOM, SCHEMA_AT(config_listen, url), YES, .custom = read_url, .same = same_text},
    {0}};

static const struct schema_field listen_fields[] = {
    {"request", SCHEMA_CUSTOM, SCHEMA_AT(config_relay, request_url), YES, .custom = read_url, .same = same_text},
    {"zones", SCHEMA_LIST, SCHEMA_LIST_OF(config_relay, listen), YES, .max = TOPOLOGY_ZONES_MAX, .fields = zone_fields},
    {0}};

static const struct schema_field peer_fields[] = {
    {"relay", SCHEMA_CUSTOM, SCHEMA_AT(config_peer, relay), YES, .custom = read_name, .same = same_text},
    {"publish", SCHEMA_CUSTOM, SCHEMA_AT(config_peer, publish), YES, .custom = read_url, .same = same_text},
    {"request", SCHEMA_CUSTOM, SCHEMA_AT(config_peer, request), YES, .custom = read_url, .same = same_text},
    {0}};

static const struct schema_field signer_fields[] = {
    {"keys", SCHEMA_CUSTOM, SCHEMA_AT(config_signer, keys), YES, .custom = read_key_files, .same = same_key_files},
    {"passphrase", SCHEMA_PATH, SCHEMA_AT(config_signer, passphrase)},
    {"guard", SCHEMA_PATH, SCHEMA_AT(config_signer, guard), YES},
    {0}};

static const struct schema_field source_fields[] = {
    {"chain", SCHEMA_TEXT, SCHEMA_AT(config_source, chain), YES, .max = TOPOLOGY_CHAIN_ID_MAX},
    {"name", SCHEMA_CUSTOM, SCHEMA_AT(config_source, name), YES, .custom = read_name, .same = same_text},
    {"operator", SCHEMA_TEXT, SCHEMA_AT(config_source, operator_tag), YES, .max = 64},
    {"network", SCHEMA_TEXT, SCHEMA_AT(config_source, network_tag), YES, .max = 64},
    {"software", SCHEMA_TEXT, SCHEMA_AT(config_source, software_tag), YES, .max = 64},
    {"program", SCHEMA_PATH, SCHEMA_AT(config_source, program), YES},
    {"program_hash", SCHEMA_CUSTOM, SCHEMA_AT(config_source, program_hash), .custom = read_program_hash,
     .same = same_program_hash},
    {"submits", SCHEMA_BOOL, SCHEMA_AT(config_source, submits)},
    {"readable", SCHEMA_CUSTOM, SCHEMA_AT(config_source, readable), .custom = read_readable, .same = same_readable},
    {"options", SCHEMA_CUSTOM, SCHEMA_AT(config_source, options), .custom = read_options, .same = same_options},
    {0}};

static const struct schema_field trust_fields[] = {
    {"chain", SCHEMA_TEXT, SCHEMA_AT(config_trust, chain), YES, .max = TOPOLOGY_CHAIN_ID_MAX},
    {"height", SCHEMA_NUMBER, SCHEMA_OF(config_trust, height), YES, .min = 1, .max = INT64_MAX},
    {"hash", SCHEMA_HEX32, SCHEMA_AT(config_trust, hash), YES},
    {0}};

#define MIB (1ull << 20)
#define TIB (1ull << 40)

static const struct schema_field budget_fields[] = {
    {"attester_bytes", SCHEMA_SIZE, SCHEMA_AT(config_budgets, attester_bytes), .max = TIB},
    {"queue_bytes", SCHEMA_SIZE, SCHEMA_AT(config_budgets, queue_bytes), .min = MIB, .max = TIB, .standard = 64 * MIB},
    {"cache_bytes", SCHEMA_SIZE, SCHEMA_AT(config_budgets, cache_bytes), .min = MIB, .max = TIB, .standard = 64 * MIB},
    {"free_bytes", SCHEMA_SIZE, SCHEMA_AT(config_budgets, free_bytes), .max = TIB, .standard = 256 * MIB},
    {"history_messages", SCHEMA_NUMBER, SCHEMA_OF(config_budgets, history_messages), .min = RELAY_HISTORY_MIN,
     .max = TIB, .standard = 1000000},
    {"evidence_files", SCHEMA_NUMBER, SCHEMA_OF(config_budgets, evidence_files), .max = 1000, .standard = 64},
    {"evidence_bytes", SCHEMA_SIZE, SCHEMA_AT(config_budgets, evidence_bytes), .max = TIB, .standard = 64 * MIB},
    {0}};

static const struct schema_field timing_fields[] = {
    {"heartbeat_ms", SCHEMA_NUMBER, SCHEMA_OF(config_timings, heartbeat_ms), .min = 50, .max = 60000, .standard = 1000},
    {"pull_wait_ms", SCHEMA_NUMBER, SCHEMA_OF(config_timings, pull_wait_ms), .min = 1, .max = 60000, .standard = 150},
    {"peer_silence_ms", SCHEMA_NUMBER, SCHEMA_OF(config_timings, peer_silence_ms), .min = 100, .max = 600000,
     .standard = 5000},
    {"turn_blocks", SCHEMA_NUMBER, SCHEMA_OF(config_timings, turn_blocks), .min = 1, .max = 10000, .standard = 4},
    {0}};

static const struct schema_field relay_fields[] = {
    {"relay", SCHEMA_CUSTOM, SCHEMA_AT(config_relay, relay), YES, .custom = read_name, .same = same_text},
    {"network", SCHEMA_PATH, SCHEMA_AT(config_relay, network), YES},
    {"roots", SCHEMA_CUSTOM, SCHEMA_AT(config_relay, roots), YES, .custom = read_roots, .same = same_roots},
    {"store", SCHEMA_PATH, SCHEMA_AT(config_relay, store), YES},
    {"state", SCHEMA_PATH, SCHEMA_AT(config_relay, state), YES},
    {"control", SCHEMA_MAPPING, 0, YES, .fields = control_fields}, /* flat: its fields lie in config_relay */
    {"http", SCHEMA_MAPPING, SCHEMA_AT(config_relay, http), .fields = http_fields},
    {"key", SCHEMA_MAPPING, 0, YES, .fields = key_fields},
    {"tls", SCHEMA_MAPPING, 0, .fields = tls_fields},
    {"listen", SCHEMA_MAPPING, 0, YES, .fields = listen_fields},
    {"peers", SCHEMA_LIST, SCHEMA_LIST_OF(config_relay, peers), YES, .max = TOPOLOGY_RELAYS_MAX, .fields = peer_fields},
    {"signer", SCHEMA_CUSTOM, SCHEMA_AT(config_relay, signer), .fields = signer_fields, .custom = read_signer},
    {"sources", SCHEMA_LIST, SCHEMA_LIST_OF(config_relay, sources), .max = 64, .fields = source_fields},
    {"trust", SCHEMA_LIST, SCHEMA_LIST_OF(config_relay, trust), .max = TOPOLOGY_CHAINS_MAX, .fields = trust_fields},
    {"budgets", SCHEMA_MAPPING, SCHEMA_AT(config_relay, budgets), .fields = budget_fields},
    {"timings", SCHEMA_MAPPING, SCHEMA_AT(config_relay, timings), .fields = timing_fields},
    {"log_level", SCHEMA_CHOICE, SCHEMA_OF(config_relay, log_level), .standard = CONFIG_LOG_INFO, .words = level_words,
     .live = true},
    {"verify_forwarded", SCHEMA_BOOL, SCHEMA_AT(config_relay, verify_forwarded)},
    {"dev", SCHEMA_BOOL, SCHEMA_AT(config_relay, dev)},
    {0}};

const struct schema_field *config_relay_fields(void)
{
    return relay_fields;
}

struct differing {
    void (*differs)(void *context, const char *path, bool live);
    void *context;
};

static void field_differs(void *context, const char *path, const struct schema_field *field)
{
    const struct differing *differing = context;
    differing->differs(differing->context, path, field->live);
}

void config_relay_differ(const struct config_relay *old, const struct config_relay *new,
                         void (*differs)(void *context, const char *path, bool live), void *context)
{
    struct differing differing = {differs, context};
    schema_differ(relay_fields, old, new, field_differs, &differing);
}

/* ---- the file ------------------------------------------------------------------------------------------------------- */

bool config_relay_load(struct config_relay *relay, const char *path, struct config_problems *problems)
{
    size_t before = problems->total, from = problems->len, len;
    struct schema_reader reader = {.file = path, .problems = problems};

    memset(relay, 0, sizeof *relay);
    relay->path = strdup(path);
    relay->folder = config_folder_of(path);
    reader.folder = relay->folder ? relay->folder : ".";
    void *text = config_read_file(&reader, path, &len);
    struct yaml_tree *tree = text ? config_parse(&reader, text, len) : NULL;
    if (tree) {
        schema_read(&reader, relay_fields, yaml_tree_root(tree), relay);
        config_relay_check(&reader, tree, relay);
    }
    yaml_tree_free(tree);
    free(text);
    config_problems_sort(problems, from);
    if (!relay->path || !relay->folder)
        schema_say(&reader, NULL, "no memory");
    return problems->total == before;
}

void config_relay_say(const struct config_relay *relay, struct config_problems *problems, const char *path,
                      const char *format, ...)
{
    struct schema_reader reader = {.file = relay->path, .folder = ".", .problems = problems};
    struct yaml_tree *tree = config_parse_again(relay->path);
    char text[sizeof problems->items->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    config_say(&reader, tree, path, "%s", text);
    yaml_tree_free(tree);
}

/* ---- freeing ------------------------------------------------------------------------------------------------------- */

static void free_source(struct config_source *source)
{
    for (size_t i = 0; i < source->options_len; i++) {
        free(source->options[i].name);
        free(source->options[i].value);
    }
    for (size_t i = 0; i < CONFIG_READABLE_MAX; i++)
        free(source->readable[i]);
    free(source->options);
    free(source->chain);
    free(source->name);
    free(source->operator_tag);
    free(source->network_tag);
    free(source->software_tag);
    free(source->program);
}

void config_relay_free(struct config_relay *relay)
{
    char *texts[] = {relay->path,
                     relay->folder,
                     relay->relay,
                     relay->network,
                     relay->store,
                     relay->state,
                     relay->key_file,
                     relay->control_socket,
                     relay->key_passphrase,
                     relay->tls_key,
                     relay->http.listen,
                     relay->tls_ca,
                     relay->tls_certificate,
                     relay->request_url,
                     relay->signer.guard,
                     relay->signer.passphrase};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; i < relay->roots_len; i++)
        free(relay->roots[i].name);
    for (size_t i = 0; i < relay->listen_len; i++) {
        free(relay->listen[i].zone);
        free(relay->listen[i].url);
    }
    for (size_t i = 0; i < relay->peers_len; i++) {
        free(relay->peers[i].relay);
        free(relay->peers[i].publish);
        free(relay->peers[i].request);
    }
    for (size_t i = 0; i < CONFIG_SIGNER_KEYS_MAX; i++)
        free(relay->signer.keys[i]);
    for (size_t i = 0; i < relay->sources_len; i++)
        free_source(&relay->sources[i]);
    for (size_t i = 0; i < relay->trust_len; i++)
        free(relay->trust[i].chain);
    free(relay->trust);
    free(relay->roots);
    free(relay->listen);
    free(relay->peers);
    free(relay->sources);
    memset(relay, 0, sizeof *relay);
}
