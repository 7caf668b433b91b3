/*
 * Proving: the heads of all watches that one state can close, each with its ICS-23 proof, and the bundle of the header that names
 * that state.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/parse.h"
#include "connectors/cometbft/watch.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/pack.h"

enum {
    MARKS_MAX = COMETBFT_BATCH_MAX, /* heads in one evidence message */
    KEY_BYTES = 5 + 32 + 32,
};

struct job {
    struct cometbft *cometbft;
    const uint8_t *account;
    uint64_t height; /* of the state; the header is the next one */
    struct sdk_group group;
    struct cometbft_light light;
    uint8_t *bundle; /* owned; light's */
};

static void job_end(struct job *job)
{
    job->cometbft->watches.proofs--;
    sdk_group_release(&job->cometbft->watches, &job->group);
    free(job->bundle);
    free(job);
}

/* The key of a log's head (docs/connector-cometbft.md, "What is proven"). */
static void head_key(uint8_t key[KEY_BYTES], const uint8_t account[32], const uint8_t log[32])
{
    memcpy(key, "head/", 5);
    memcpy(key + 5, account, 32);
    memcpy(key + 37, log, 32);
}

/* The head is what the records led to, or records are missing. */
static bool agrees(const struct cometbft_shown *shown, const struct sdk_watch *watch)
{
    struct codec_reader reader;
    uint8_t running[32];
    codec_reader_init(&reader, shown->value);
    const uint64_t count = codec_read_u64(&reader);
    codec_read_copy(running, &reader, 32);
    return codec_reader_done(&reader) && count == watch->next - 1 && memcmp(running, watch->running, 32) == 0;
}

/* The node has no such state (any more). A step that is not held back by credit can be closed at a newer one. */
static void no_state(struct job *job, struct sdk_watch *watch, const char *text)
{
    struct cometbft *cometbft = job->cometbft;
    sdk_notice_pruned(&cometbft->notices, "no proof about height %" PRIu64 ": %s", job->height, text);
    if (watch->need == 0 && watch->position <= cometbft_watch_limit(cometbft))
        watch->closing = false;
    else
        sdk_watch_fail(&cometbft->watches, watch, text);
}

/* The proof of message 12: [account, [[op, …], …]]. */
static void pack_proof(struct codec_pack *pack, const uint8_t account[32], struct cometbft_shown *const *shown,
                       size_t count)
{
    codec_pack_array(pack, 2);
    codec_pack_bin(pack, (struct bytes){account, 32});
    codec_pack_array(pack, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        codec_pack_array(pack, (uint32_t)shown[i]->ops_len);
        for (size_t k = 0; k < shown[i]->ops_len; k++)
            codec_pack_bin(pack, shown[i]->ops[k]);
    }
}

static void send_evidence(struct job *job, struct cometbft_shown *const *shown, const struct connector_mark *marks,
                          size_t count)
{
    struct cometbft *cometbft = job->cometbft;
    struct connector_message header = {
        .type = CONNECTOR_HEADER,
        .header = {.height = job->light.height, .time = job->light.time, .header = job->light.bundle}};
    struct connector_message message = {.type = CONNECTOR_EVIDENCE,
                                        .evidence = {.kind = CONNECTOR_EVIDENCE_ICS23,
                                                     .height = job->light.height,
                                                     .header = job->light.bundle,
                                                     .marks = marks,
                                                     .marks_len = count}};
    if (count == 0)
        return;
    memcpy(header.header.hash, job->light.hash, 32);
    if (job->light.height != cometbft->newest && connector_send(cometbft->connector, &header) != SDK_SENT)
        return; /* no room: `drained` tries again */
    struct codec_pack pack;
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX);
    pack_proof(&pack, job->account, shown, count);
    message.evidence.proof = codec_pack_bytes(&pack);
    sdk_group_conclude(&cometbft->watches, &job->group, job->height, marks, count,
                       pack.failed ? SDK_TOO_LARGE : connector_send(cometbft->connector, &message));
    codec_pack_fini(&pack);
}

/* One head: true when it goes into the evidence. */
static bool judge(struct job *job, struct sdk_watch *watch, const struct sdk_rpc_reply *reply,
                  struct cometbft_shown *shown, struct sdk_arena *arena)
{
    int64_t code = -1;
    const struct sdk_json *response = sdk_json_member(reply->result, "response");
    if (reply->is_error || !sdk_json_integer(&code, sdk_json_member(response, "code"))) {
        no_state(job, watch, reply->is_error ? reply->message : "abci_query: no answer of the application");
        return false;
    }
    if (code != 0) {
        const char *text = sdk_json_text(sdk_json_member(response, "log"));
        no_state(job, watch, text ? text : "abci_query: refused");
        return false;
    }
    uint8_t key[KEY_BYTES];
    head_key(key, job->account, watch->log);
    const char *store = job->cometbft->options.store;
    const char *wrong =
        cometbft_parse_shown(shown, response, job->height, codec_connector_text(store), BYTES_OF(key), arena);
    if (wrong) {
        sdk_watch_unread(&job->cometbft->watches, watch, wrong);
        return false;
    }
    if (watch->next == 1 && shown->value.len == 0) { /* nothing is there, and nothing is to be proven */
        sdk_watch_settle(watch, job->height);
        return false;
    }
    if (agrees(shown, watch))
        return true;
    sdk_watch_differs(&job->cometbft->watches, watch);
    return false;
}

static void proved(void *context, const struct sdk_rpc_answer *answer)
{
    struct job *job = context;
    struct cometbft *cometbft = job->cometbft;
    struct connector_mark marks[MARKS_MAX];
    struct cometbft_shown *good[MARKS_MAX];
    size_t count = 0;
    const bool answered = answer->status == SDK_RPC_OK && !cometbft->stopped;
    for (size_t i = 0; answered && i < job->group.len; i++) {
        struct sdk_watch *watch = sdk_watch_find(&job->cometbft->watches, job->group.serials[i]);
        struct cometbft_shown *shown = sdk_arena_take(answer->arena, 1, sizeof *shown);
        if (!watch || !shown || !judge(job, watch, &answer->replies[i], shown, answer->arena))
            continue;
        good[count] = shown;
        sdk_watch_mark(&marks[count++], watch);
    }
    if (answered)
        send_evidence(job, good, marks, count);
    job_end(job);
    if (answered)
        cometbft_pump(cometbft);
}

static void ask_heads(struct job *job)
{
    struct sdk_rpc_request request;
    sdk_rpc_begin(&request);
    for (size_t i = 0; i < job->group.len; i++) {
        const struct sdk_watch *watch = sdk_watch_find(&job->cometbft->watches, job->group.serials[i]);
        uint8_t key[KEY_BYTES];
        char digits[2 * KEY_BYTES + 1];
        head_key(key, job->account, watch ? watch->log : job->account);
        codec_hex_encode(digits, BYTES_OF(key));
        sdk_rpc_add(&request, "abci_query",
                    "{\"path\":\"%s\",\"data\":\"%s\",\"height\":\"%" PRIu64 "\",\"prove\":true}",
                    job->cometbft->options.path, digits, job->height);
    }
    sdk_rpc_send(job->cometbft->rpc, &request, proved, job);
}

static void grounded(void *context, const struct cometbft_light *light, const char *text)
{
    struct job *job = context;
    if (light) {
        job->light = *light;
        job->bundle = malloc(light->bundle.len);
        if (job->bundle)
            memcpy(job->bundle, light->bundle.data, light->bundle.len);
        job->light.bundle.data = job->bundle;
    }
    if (job->bundle) {
        ask_heads(job);
        return;
    }
    for (size_t i = 0; i < job->group.len; i++) {
        struct sdk_watch *watch = sdk_watch_find(&job->cometbft->watches, job->group.serials[i]);
        if (!watch)
            continue;
        if (sdk_rpc_usable(job->cometbft->rpc))
            sdk_watch_fail(&job->cometbft->watches, watch, light ? "no memory" : text);
        else
            sdk_watch_later(&job->cometbft->watches, watch, text); /* the endpoint's own trouble was told */
    }
    job_end(job);
}

void cometbft_evidence_start(void *context, struct sdk_watch *first)
{
    struct cometbft *cometbft = context;
    struct sdk_watches *watches = &cometbft->watches;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->cometbft = cometbft;
    job->account = cometbft_watch_account(cometbft, first->kind);
    job->height = first->close_height;
    for (size_t i = 0; i < watches->len && job->group.len < MARKS_MAX; i++) {
        struct sdk_watch *watch = &watches->list[i];
        if (!sdk_watch_is_free(watches, watch) || !watch->closing ||
            cometbft_watch_account(cometbft, watch->kind) != job->account || job->height < watch->last_height ||
            job->height > watch->close_height)
            continue;
        sdk_group_add(&job->group, watch);
    }
    watches->proofs++;
    if (job->group.len == 0) { /* no state can close it: an empty question would be asked without end */
        first->closing = false;
        job_end(job);
        return;
    }
    cometbft_lights_want(cometbft->lights, job->height + 1, grounded, job);
}
