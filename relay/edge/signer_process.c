/*
 * The signer as a process: its keys, its guard, its sandbox, its socket. And the operator's look into the guard.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/sodium.h"
#include "proofs/lane.h"
#include "relay/edge/fault.h"
#include "relay/edge/keyfile.h"
#include "relay/edge/log.h"
#include "relay/edge/sandbox.h"
#include "relay/edge/signer.h"
#include "relay/edge/source.h"

enum { EXIT_FAILED = 1, EXIT_CONFIG = 2, TEXT = 512 };

struct process {
    struct edge_signer_trust trust;
    struct relay_source *sources;
    struct relay_trust *trusts;
    struct edge_guard *guard;
    struct edge_signer *signer;
    int fd;
    uint8_t *message;
};

static int failed(const char *reason, const char *text)
{
    edge_log(RELAY_ALARM, reason, "signer", "%s", text);
    return EXIT_CONFIG;
}

/* ---- what it stands on --------------------------------------------------------------------------------------------- */

static int key_load(struct process *process, const char *path, struct bytes passphrase)
{
    struct edge_keyfile file;
    uint8_t secret[32], signature[64], message[32] = {0};
    char text[TEXT];
    if (edge_keyfile_open(&file, secret, path, passphrase, text, sizeof(text)) != EDGE_KEYFILE_OK)
        return failed("signer-key", text);
    size_t place = proof_suites_place(PROOF_SUITES_ALL, file.key.suite);
    bool twice = process->trust.keys[place].key.suite != PROOF_SUITE_NONE;
    process->trust.keys[place].key = file.key;
    memcpy(process->trust.keys[place].secret, secret, sizeof(secret));
    codec_sodium_wipe(secret, sizeof(secret));
    if (twice)
        return failed("signer-key", "two keys of one suite: one a suite");
    /* Libraries open files at their first signature; after this they are in the sandbox. The result is thrown away. */
    if (!proof_signature_sign(signature, file.key.suite, process->trust.keys[place].secret, message))
        return failed("signer-key", "its key cannot sign");
    return 0;
}

static int keys_load(struct process *process, const struct config_relay *config)
{
    uint8_t passphrase[EDGE_PASSPHRASE_MAX];
    size_t len = 0;
    char text[TEXT];
    int code = 0;
    if (config->signer.passphrase != NULL &&
        !edge_keyfile_passphrase(passphrase, &len, config->signer.passphrase, text, sizeof(text)))
        return failed("signer-passphrase", text);
    for (size_t i = 0; i < config->signer.keys_len && code == 0; i++)
        code = key_load(process, config->signer.keys[i],
                        (struct bytes){config->signer.passphrase != NULL ? passphrase : NULL, len});
    codec_sodium_wipe(passphrase, sizeof(passphrase));
    return code;
}

/* adopting: the operator names what was signed, so a guard that is gone may begin again. */
static int guard_load(struct edge_guard **guard, const struct config_relay *config,
                      const struct topology_network *network, bool adopting)
{
    char text[TEXT];
    uint8_t id[32];
    if (!proof_network_id(id, PROOF_SUITE_BLAKE2B256_ED25519, network->name))
        return failed("signer-guard", "the network has no name");
    if ((adopting ? edge_guard_open_lost : edge_guard_open)(guard, config->signer.guard, id, network->logs_len, text,
                                                            sizeof(text)) != EDGE_GUARD_OK)
        return failed("signer-guard", text);
    return 0;
}

/* ---- its socket ---------------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t put = send(fd, data, len, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        data += put;
        len -= (size_t)put;
    }
    return true;
}

static bool read_all(int fd, uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t got = read(fd, data, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        data += got;
        len -= (size_t)got;
    }
    return true;
}

static bool answer(void *context, struct bytes message)
{
    const struct process *process = context;
    const uint8_t length[4] = {(uint8_t)(message.len >> 24), (uint8_t)(message.len >> 16), (uint8_t)(message.len >> 8),
                               (uint8_t)message.len};
    EDGE_FAULT(ANSWER_BEFORE_SEND);
    bool sent = write_all(process->fd, length, sizeof(length)) && write_all(process->fd, message.data, message.len);
    EDGE_FAULT(ANSWER_AFTER_SEND);
    return sent;
}

static int serve(struct process *process)
{
    const struct edge_signer_out out = {.context = process, .answer = answer};
    uint8_t length[4];
    if (!edge_signer_greet(process->signer, &out))
        return EXIT_FAILED;
    while (read_all(process->fd, length, sizeof(length))) {
        size_t len = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
        if (len == 0 || len > RELAY_SIGNING_MESSAGE_MAX) {
            edge_log(RELAY_ALARM, "signer-protocol", "signer", "a message of %zu bytes", len);
            return EXIT_FAILED;
        }
        if (!read_all(process->fd, process->message, len))
            break;
        EDGE_FAULT(REQUEST_TAKEN);
        if (!edge_signer_request(process->signer, (struct bytes){process->message, len}, &out)) {
            edge_log(RELAY_ALARM, "signer-stopped", "signer", "the guard could not be written, or nobody listens");
            return EXIT_FAILED;
        }
        EDGE_FAULT(REQUEST_DONE);
    }
    return 0; /* the relay closed it */
}

static void process_fini(struct process *process)
{
    edge_signer_free(process->signer);
    edge_guard_close(process->guard);
    edge_signer_light_free(process->trust.light);
    free(process->sources);
    free(process->trusts);
    free(process->message);
    codec_sodium_wipe(&process->trust, sizeof(process->trust));
}

static uint64_t unix_time(void)
{
    return (uint64_t)time(NULL);
}

static int process_init(struct process *process, const struct config_relay *config,
                        const struct topology_network *network)
{
    char text[TEXT];
    if (!config->signer.present)
        return failed("signer-config", "the configuration has no `signer`");
    process->trust.network = network;
    process->trust.dev = config->dev;
    if (!edge_source_list(&process->sources, config, network))
        return failed("signer-config", "a source of a chain that the network document does not have");
    process->trust.sources = process->sources;
    process->trust.sources_len = config->sources_len;
    mlock(&process->trust, sizeof(process->trust)); /* as far as the limits allow: keys stay out of swap */
    int code = keys_load(process, config);
    if (code == 0)
        code = guard_load(&process->guard, config, network, false);
    if (code != 0)
        return code;
    size_t trusts_len;
    if (!edge_signer_light_trusts(&process->trusts, &trusts_len, config, network))
        return failed("signer-memory", "no memory");
    process->trust.unix_time = unix_time;
    if (trusts_len > 0) {
        process->trust.light =
            edge_signer_light_new(network, process->trusts, trusts_len, config->signer.guard, text, sizeof(text));
        if (process->trust.light == NULL)
            return failed("signer-trust", text);
    }
    process->signer = edge_signer_new(&process->trust, process->guard);
    process->message = malloc(RELAY_SIGNING_MESSAGE_MAX);
    if (process->signer == NULL || process->message == NULL)
        return failed("signer-memory", "no memory");
    edge_log(RELAY_INFO, "signer-ready", "signer", "%zu keys", config->signer.keys_len);
    if (!edge_sandbox_signer(config->signer.guard, text, sizeof(text)))
        return failed("signer-sandbox", text);
    return 0;
}

int edge_signer_main(const struct config_relay *config, const struct topology_network *network, int fd)
{
    struct process process = {.fd = fd};
    int code = process_init(&process, config, network);
    if (code == 0)
        code = serve(&process);
    process_fini(&process);
    return code;
}

/* ---- the operator's look ------------------------------------------------------------------------------------------- */

static void row_print(FILE *out, const struct topology_network *network, const struct edge_guard_row *row)
{
    char log[65], running[65];
    uint8_t kind = 0;
    int lane = topology_lane_by_log(network, row->log, &kind);
    codec_hex_encode(log, BYTES_OF(row->log));
    codec_hex_encode(running, BYTES_OF(row->running));
    fprintf(out, "%s %s %s %llu %s%s\n", log, lane < 0 ? "-" : network->lanes[lane].name,
            proof_log_kind_name((enum proof_log_kind)kind), (unsigned long long)row->number, running,
            row->frozen ? " frozen" : "");
}

/* LOG:NUMBER:RUNNING: the operator names the head that its signer takes for its last word, after it lost its guard. A row for what
 * is no log here would end the loss, and bind nothing. */
static bool guard_adopt(struct edge_guard *guard, const struct topology_network *network, const char *named, char *text,
                        size_t cap)
{
    struct edge_guard_row row = {0};
    char log[65], running[65], digits[21];
    uint8_t kind;
    int end = 0;
    errno = 0;
    if (sscanf(named, "%64[0-9a-f]:%20[0-9]:%64[0-9a-f]%n", log, digits, running, &end) != 3 || named[end] != '\0' ||
        (row.number = strtoull(digits, NULL, 10)) == 0 || errno != 0 ||
        !codec_hex_decode_exact(row.log, 32, log, strlen(log)) ||
        !codec_hex_decode_exact(row.running, 32, running, strlen(running))) {
        snprintf(text, cap, "adopting wants LOG:NUMBER:RUNNING, hashes as 64 hexadecimal digits in lower case");
        return false;
    }
    if (topology_lane_by_log(network, row.log, &kind) < 0) {
        snprintf(text, cap,
                 "%s is no log of this network: `isthmus lanes --json` and `isthmus network show DOCUMENT --json` have "
                 "the ids of each lane's logs; nothing was adopted",
                 log);
        return false;
    }
    const struct edge_guard_row *known = edge_guard_find(guard, row.log);
    if (known != NULL && known->number >= row.number) {
        snprintf(text, cap, "the guard stands at %llu already: it never goes back", (unsigned long long)known->number);
        return false;
    }
    row.frozen = known != NULL && known->frozen;
    return edge_guard_advance(guard, &row, 1, text, cap);
}

int edge_signer_guard_main(const struct config_relay *config, const struct topology_network *network, const char *thaw,
                           void *stream)
{
    struct edge_guard *guard = NULL;
    const struct edge_guard_row *rows;
    uint8_t log[32];
    char text[TEXT];
    bool adopts = thaw != NULL && strchr(thaw, ':') != NULL;
    if (!config->signer.present)
        return failed("signer-config", "the configuration has no `signer`: this relay keeps no guard");
    if (guard_load(&guard, config, network, adopts) != 0)
        return EXIT_FAILED;
    bool good = true;
    if (adopts) {
        good = guard_adopt(guard, network, thaw, text, sizeof(text));
    } else if (thaw != NULL) {
        snprintf(text, sizeof(text), "thaw wants a log id: 64 hexadecimal digits");
        good = codec_hex_decode_exact(log, sizeof(log), thaw, strlen(thaw)) &&
               edge_guard_thaw(guard, log, text, sizeof(text));
    }
    if (!good)
        failed("signer-guard", text);
    size_t len = edge_guard_rows(guard, &rows);
    for (size_t i = 0; i < len; i++)
        row_print(stream, network, &rows[i]);
    edge_guard_close(guard);
    return good ? 0 : EXIT_FAILED;
}
