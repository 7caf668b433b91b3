/*
 * Proving: the heads of all watches that one state can close, each with its ICS-23 proof, and the bundle of the header that names
 * that state.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/cometbft/watch.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/pack.h"

enum {
    MARKS_MAX = COMETBFT_BATCH_MAX, /* heads in one evidence message */
    OPS_MAX = 8,                    /* proof operations from a key to the app hash */
    PRUNED_NOTICE_MS = 600000,
    LIES_MAX = 3, /* searches in vain before the relay is told that what it was sent may be made up */
    HEAD_BYTES = 40,
};

struct job {
    struct cometbft_watches *watches;
    const uint8_t *account;
    uint64_t height; /* of the state; the header is the next one */
    struct cometbft_group group;
    struct cometbft_light light;
    uint8_t *bundle; /* owned; light's */
};

/* One head as the node shows it. */
struct shown {
    struct bytes value; /* empty: absent */
    struct bytes ops[OPS_MAX];
    size_t ops_len;
};

static void job_end(struct job *job)
{
    job->watches->proofs--;
    cometbft_group_release(job->watches, &job->group);
    free(job->bundle);
    free(job);
}

static bool read_shown(struct shown *out, const struct job *job, const struct sdk_json *response,
                       struct sdk_arena *arena)
{
    int64_t height = 0;
    const struct sdk_json *ops = sdk_json_member(sdk_json_member(response, "proofOps"), "ops");
    out->ops_len = sdk_json_length(ops);
    if (!sdk_json_decimal(&height, sdk_json_member(response, "height")) || (uint64_t)height != job->height ||
        !sdk_json_base64(&out->value, sdk_json_member(response, "value"), arena) || out->ops_len == 0 ||
        out->ops_len > OPS_MAX)
        return false;
    for (size_t i = 0; i < out->ops_len; i++)
        if (!sdk_json_base64(&out->ops[i], sdk_json_member(sdk_json_element(ops, i), "data"), arena) ||
            out->ops[i].len == 0)
            return false;
    return true;
}

static void nothing_more(struct cometbft_watch *watch, uint64_t height)
{
    watch->closing = watch->owed = false;
    watch->audited = height;
}

/* The head is what the records led to, or records are missing. */
static bool agrees(const struct shown *shown, const struct cometbft_watch *watch)
{
    struct codec_reader reader;
    uint8_t running[32];
    codec_reader_init(&reader, shown->value);
    const uint64_t count = codec_read_u64(&reader);
    codec_read_copy(running, &reader, 32);
    return codec_reader_done(&reader) && count == watch->next - 1 && memcmp(running, watch->running, 32) == 0;
}

static void differs(const struct job *job, struct cometbft_watch *watch)
{
    if (watch->failures == LIES_MAX && watch->next - 1 > watch->proven)
        connector_cannot_watch(job->watches->cometbft->connector, CONNECTOR_SUBSCRIBE, watch->id,
                               "records that were sent do not lead to the ledger's head: ask again (14)");
    cometbft_watch_mistrust(job->watches, watch, "the events do not lead to what the ledger's head says");
}

/* The node has no such state (any more). A step that is not held back by credit can be closed at a newer one. */
static void no_state(struct job *job, struct cometbft_watch *watch, const char *text)
{
    struct cometbft *cometbft = job->watches->cometbft;
    const uint64_t now = sdk_loop_now(cometbft->loop);
    if (now >= job->watches->pruned_until) {
        job->watches->pruned_until = now + PRUNED_NOTICE_MS;
        connector_notice(cometbft->connector, CONNECTOR_NOTICE_PRUNED, "no proof about height %" PRIu64 ": %s",
                         job->height, text);
    }
    if (watch->need == 0 && watch->position <= cometbft_watch_limit(cometbft)) {
        watch->closing = false;
    } else {
        connector_cannot_watch(cometbft->connector, CONNECTOR_SUBSCRIBE, watch->id, text);
        cometbft_watch_later(job->watches, watch);
    }
}

static void conclude(struct job *job, const struct connector_mark *marks, size_t count, enum sdk_sent sent)
{
    for (size_t m = 0; m < count; m++) {
        struct cometbft_watch *watch = NULL;
        for (size_t i = 0; i < job->group.len && !watch; i++) {
            watch = cometbft_watch_find(job->watches, job->group.serials[i]);
            if (watch && watch->id != marks[m].watch)
                watch = NULL;
        }
        if (watch && sent == SDK_SENT) {
            watch->proven = watch->next - 1;
            nothing_more(watch, job->height);
            watch->failures = 0;
            cometbft_watch_tell_need(job->watches->cometbft, watch);
        } else if (watch && sent == SDK_TOO_LARGE) {
            connector_cannot_watch(job->watches->cometbft->connector, CONNECTOR_SUBSCRIBE, watch->id,
                                   "the evidence is larger than a message may be");
            cometbft_watch_later(job->watches, watch);
        }
    }
}

/* The proof of message 12: [account, [[op, …], …]]. */
static void pack_proof(struct codec_pack *pack, const uint8_t account[32], struct shown *const *shown, size_t count)
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

static void send_evidence(struct job *job, struct shown *const *shown, const struct connector_mark *marks, size_t count)
{
    struct cometbft *cometbft = job->watches->cometbft;
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
    if (job->light.height != cometbft->newest && cometbft_send(cometbft, &header) != SDK_SENT)
        return; /* no room: `drained` tries again */
    struct codec_pack pack;
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX);
    pack_proof(&pack, job->account, shown, count);
    message.evidence.proof = codec_pack_bytes(&pack);
    conclude(job, marks, count, pack.failed ? SDK_TOO_LARGE : cometbft_send(cometbft, &message));
    codec_pack_fini(&pack);
}

/* One head: true when it goes into the evidence. */
static bool judge(struct job *job, struct cometbft_watch *watch, const struct sdk_rpc_reply *reply, struct shown *shown,
                  struct sdk_arena *arena)
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
    if (!read_shown(shown, job, response, arena)) {
        cometbft_watch_mistrust(job->watches, watch, "abci_query: an answer without a proof, or of another height");
        return false;
    }
    if (watch->next == 1 && shown->value.len == 0) { /* nothing is there, and nothing is to be proven */
        nothing_more(watch, job->height);
        return false;
    }
    if (agrees(shown, watch))
        return true;
    differs(job, watch);
    return false;
}

static void proved(void *context, const struct sdk_rpc_answer *answer)
{
    struct job *job = context;
    struct cometbft *cometbft = job->watches->cometbft;
    struct connector_mark marks[MARKS_MAX];
    struct shown *good[MARKS_MAX];
    size_t count = 0;
    const bool answered = answer->status == SDK_RPC_OK && !cometbft->stopped;
    for (size_t i = 0; answered && i < job->group.len; i++) {
        struct cometbft_watch *watch = cometbft_watch_find(job->watches, job->group.serials[i]);
        struct shown *shown = sdk_arena_take(answer->arena, 1, sizeof *shown);
        if (!watch || !shown || !judge(job, watch, &answer->replies[i], shown, answer->arena))
            continue;
        good[count] = shown;
        marks[count] = (struct connector_mark){.watch = watch->id, .number = watch->next - 1};
        memcpy(marks[count++].running, watch->running, 32);
    }
    if (answered)
        send_evidence(job, good, marks, count);
    job_end(job);
    if (answered)
        cometbft_pump(cometbft);
}

static void ask_heads(struct job *job)
{
    static const uint8_t prefix[5] = {'h', 'e', 'a', 'd', '/'};
    struct sdk_rpc_request request;
    sdk_rpc_begin(&request);
    for (size_t i = 0; i < job->group.len; i++) {
        const struct cometbft_watch *watch = cometbft_watch_find(job->watches, job->group.serials[i]);
        char key[2 * (5 + 32 + 32) + 1] = "00";
        struct codec_writer writer;
        uint8_t raw[5 + 32 + 32];
        codec_writer_init(&writer, raw, sizeof raw);
        codec_write_bytes(&writer, BYTES_OF(prefix));
        codec_write_bytes(&writer, (struct bytes){job->account, 32});
        codec_write_bytes(&writer, (struct bytes){watch ? watch->log : job->account, 32});
        codec_hex_encode(key, BYTES_OF(raw));
        sdk_rpc_add(&request, "abci_query",
                    "{\"path\":\"/store\",\"data\":\"%s\",\"height\":\"%" PRIu64 "\",\"prove\":true}", key,
                    job->height);
    }
    sdk_rpc_send(job->watches->cometbft->rpc, &request, proved, job);
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
        struct cometbft_watch *watch = cometbft_watch_find(job->watches, job->group.serials[i]);
        if (!watch)
            continue;
        if (sdk_rpc_usable(job->watches->cometbft->rpc)) /* else the endpoint's own trouble was told */
            connector_cannot_watch(job->watches->cometbft->connector, CONNECTOR_SUBSCRIBE, watch->id,
                                   light ? "no memory" : text);
        cometbft_watch_later(job->watches, watch);
    }
    job_end(job);
}

void cometbft_evidence_start(struct cometbft_watches *watches, struct cometbft_watch *first)
{
    const struct cometbft *cometbft = watches->cometbft;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->watches = watches;
    job->account = cometbft_watch_account(cometbft, first->kind);
    job->height = first->close_height;
    for (size_t i = 0; i < watches->len && job->group.len < MARKS_MAX; i++) {
        struct cometbft_watch *watch = &watches->list[i];
        if (watch->busy || !watch->closing || cometbft_watch_account(cometbft, watch->kind) != job->account ||
            job->height < watch->last_height || job->height > watch->close_height ||
            sdk_loop_now(cometbft->loop) < watch->retry_at)
            continue;
        job->group.serials[job->group.len++] = watch->serial;
        watch->busy = true;
    }
    watches->proofs++;
    if (job->group.len == 0) { /* no state can close it: an empty question would be asked without end */
        first->closing = false;
        job_end(job);
        return;
    }
    cometbft_lights_want(cometbft->lights, job->height + 1, grounded, job);
}
