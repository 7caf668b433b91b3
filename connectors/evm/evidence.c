/*
 * Proving: one eth_getProof for all watches that one block can close; where the node no longer has that state, every
 * receipt of the block that holds a watch's last event.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/watch.h"

enum {
    PRUNED_NOTICE_MS = 600000,
    LIES_MAX = 3, /* searches in vain before the relay is told that what it was sent may be made up */
};

struct job {
    struct evm_watches *watches;
    const uint8_t *contract;
    bool receipts;
    uint64_t height;
    struct evm_group group;
    uint8_t slots[EVM_GROUP_MAX][32];
};

/* The header that the evidence stands on. */
struct ground {
    uint8_t hash[32];
    uint64_t time;
    struct bytes rlp;
};

static bool find_ground(struct ground *out, const struct job *job, const struct sdk_rpc_answer *answer,
                        const char **wrong)
{
    const struct evm_head *head = evm_tracker_head(job->watches->evm->tracker, job->height);
    struct evm_block block;
    if (head) {
        memcpy(out->hash, head->hash, 32);
        out->time = head->time;
        out->rlp = (struct bytes){head->rlp, head->rlp_len};
        return true;
    }
    if (!evm_parse_block(&block, answer->replies[0].result, answer->arena, wrong))
        return false;
    *wrong = "another block than was asked for";
    memcpy(out->hash, block.hash, 32);
    out->time = block.header.timestamp;
    out->rlp = block.rlp;
    return block.header.number == job->height;
}

static void mark(struct connector_mark *out, const struct evm_watch *watch)
{
    *out = (struct connector_mark){.watch = watch->id, .number = watch->next - 1};
    memcpy(out->running, watch->running, 32);
}

static void nothing_more(struct evm_watch *watch, uint64_t height)
{
    watch->closing = watch->owed = false;
    watch->audited = height;
}

/* Evidence was sent, or cannot be: what that means for its watches. */
static void conclude(struct job *job, const struct connector_mark *marks, size_t count, enum sdk_sent sent)
{
    struct evm_watches *watches = job->watches;
    for (size_t i = 0; i < job->group.len; i++) {
        struct evm_watch *watch = evm_watch_find(watches, job->group.serials[i]);
        bool told = false;
        for (size_t m = 0; watch && m < count; m++)
            told = told || marks[m].watch == watch->id;
        if (!told)
            continue;
        if (sent == SDK_SENT) {
            watch->proven = watch->next - 1;
            nothing_more(watch, job->height);
            watch->failures = 0;
            evm_watch_tell_need(watches->evm, watch);
        } else if (sent == SDK_TOO_LARGE) {
            connector_cannot_watch(watches->evm->connector, CONNECTOR_SUBSCRIBE, watch->id,
                                   "the evidence of a block is larger than a message may be");
            evm_watch_later(watches, watch);
        }
    }
}

static void send_evidence(struct job *job, const struct ground *ground, struct connector_evidence *evidence,
                          const struct connector_mark *marks, size_t count)
{
    struct evm *evm = job->watches->evm;
    if (count == 0)
        return;
    if (job->height != evm->tracker->final_height &&
        !evm_say_header(evm, job->height, ground->hash, ground->time, ground->rlp))
        return; /* no room: `drained` tries again */
    evidence->height = job->height;
    evidence->header = ground->rlp;
    memcpy(evidence->account + 12, job->contract, 20);
    evidence->marks = marks;
    evidence->marks_len = count;
    const struct connector_message message = {.type = CONNECTOR_EVIDENCE, .evidence = *evidence};
    conclude(job, marks, count, evm_send(evm, &message));
}

/* The value of a slot is what the records led to, or records are missing: then there is no evidence for this watch. */
static bool give_slots(struct job *job, const struct ground *ground, const struct sdk_rpc_answer *answer,
                       const struct sdk_json *result, const char **wrong)
{
    struct connector_mark marks[EVM_GROUP_MAX];
    struct connector_slot slots[EVM_GROUP_MAX];
    struct evm_proof proof;
    size_t count = 0;
    if (!evm_parse_proof(&proof, job->group.len, result, answer->arena, wrong))
        return false;
    for (size_t i = 0; i < job->group.len; i++) {
        struct evm_watch *watch = evm_watch_find(job->watches, job->group.serials[i]);
        if (!watch)
            continue;
        const bool empty = watch->next == 1; /* then there is nothing to prove, and nothing may be in the slot */
        if (empty && codec_bytes_are_zero(proof.slots[i].value, 32)) {
            nothing_more(watch, job->height);
            continue;
        }
        if (memcmp(proof.slots[i].key, job->slots[i], 32) != 0 ||
            memcmp(proof.slots[i].value, watch->running, 32) != 0) {
            if (watch->failures == LIES_MAX && watch->next - 1 > watch->proven)
                connector_cannot_watch(job->watches->evm->connector, CONNECTOR_SUBSCRIBE, watch->id,
                                       "records that were sent do not lead to the contract's slot: ask again (14)");
            evm_watch_mistrust(job->watches, watch, "the events do not lead to what the contract's slot holds");
            continue;
        }
        slots[count] = (struct connector_slot){.nodes = proof.slots[i].nodes, .nodes_len = proof.slots[i].nodes_len};
        memcpy(slots[count].slot, job->slots[i], 32);
        mark(&marks[count++], watch);
    }
    struct connector_evidence evidence = {.kind = CONNECTOR_EVIDENCE_SLOT,
                                          .items = proof.nodes,
                                          .items_len = proof.nodes_len,
                                          .slots = slots,
                                          .slots_len = count};
    send_evidence(job, ground, &evidence, marks, count);
    return true;
}

static bool give_receipts(struct job *job, const struct ground *ground, const struct sdk_rpc_answer *answer,
                          const struct sdk_json *result, const char **wrong)
{
    struct connector_mark marks[EVM_GROUP_MAX];
    struct connector_evidence evidence = {.kind = CONNECTOR_EVIDENCE_RECEIPTS};
    size_t count = 0;
    if (!evm_parse_receipts(&evidence.items, &evidence.items_len, result, answer->arena, wrong))
        return false;
    for (size_t i = 0; i < job->group.len; i++) {
        const struct evm_watch *watch = evm_watch_find(job->watches, job->group.serials[i]);
        if (watch)
            mark(&marks[count++], watch);
    }
    send_evidence(job, ground, &evidence, marks, count);
    return true;
}

static void job_start(struct job *job);

/* Scans from the start, to find the block of the last event, when there is something to prove. */
static bool look_back(struct job *job, struct evm_watch *watch)
{
    evm_group_release(job->watches, &job->group);
    if (watch->owed || watch->next - 1 > watch->proven) {
        watch->closing = false;
        watch->position = watch->start = watch->need = 0;
        evm_watch_later(job->watches, watch);
    } else {
        nothing_more(watch, job->height); /* it was only to be compared, and that is not possible here */
    }
    free(job);
    return true;
}

/* The node refused. Slots may be gone while receipts are not; else the watches wait. */
static bool refused(struct job *job, const char *text)
{
    struct evm *evm = job->watches->evm;
    const uint64_t now = sdk_loop_now(evm->loop);
    if (!job->receipts && evm->options.evidence == EVM_EVIDENCE_AUTO) {
        struct evm_watch *first = evm_watch_find(job->watches, job->group.serials[0]);
        if (!first || first->last_height == 0) /* where the last event lies is not known: go and look */
            return first && look_back(job, first);
        if (now >= job->watches->pruned_until) {
            job->watches->pruned_until = now + PRUNED_NOTICE_MS;
            connector_notice(evm->connector, CONNECTOR_NOTICE_PRUNED,
                             "no proof at height %" PRIu64 " (%s): receipts instead", job->height, text);
        }
        job->receipts = true;
        job->height = first->last_height;
        size_t kept = 0;
        for (size_t i = 0; i < job->group.len; i++) {
            struct evm_watch *watch = evm_watch_find(job->watches, job->group.serials[i]);
            if (watch && watch->last_height == job->height)
                job->group.serials[kept++] = job->group.serials[i];
            else if (watch)
                watch->busy = false;
        }
        job->group.len = kept;
        job_start(job);
        return true;
    }
    for (size_t i = 0; i < job->group.len; i++) {
        struct evm_watch *watch = evm_watch_find(job->watches, job->group.serials[i]);
        if (!watch)
            continue;
        connector_cannot_watch(evm->connector, CONNECTOR_SUBSCRIBE, watch->id, text);
        evm_watch_later(job->watches, watch);
    }
    return false;
}

static void proved(void *context, const struct sdk_rpc_answer *answer)
{
    struct job *job = context;
    struct evm_watches *watches = job->watches;
    const char *wrong = "evidence";
    struct ground ground;
    const struct sdk_rpc_reply *reply = answer->count ? &answer->replies[answer->count - 1] : NULL;
    watches->proofs--;
    if (answer->status == SDK_RPC_OK && (reply->is_error || sdk_json_is_null(reply->result))) {
        if (refused(job, reply->is_error ? reply->message : "the node knows nothing of this block"))
            return;
    } else if (answer->status == SDK_RPC_TOO_LARGE) {
        if (refused(job, answer->text))
            return;
    } else if (answer->status == SDK_RPC_OK) {
        const bool given = find_ground(&ground, job, answer, &wrong) &&
                           (job->receipts ? give_receipts(job, &ground, answer, reply->result, &wrong)
                                          : give_slots(job, &ground, answer, reply->result, &wrong));
        for (size_t i = 0; i < job->group.len && !given; i++) {
            struct evm_watch *watch = evm_watch_find(watches, job->group.serials[i]);
            if (watch)
                evm_watch_mistrust(watches, watch, wrong);
        }
    }
    evm_group_release(watches, &job->group);
    free(job);
    if (answer->status == SDK_RPC_OK)
        evm_pump(watches->evm);
}

static void job_start(struct job *job)
{
    struct evm *evm = job->watches->evm;
    struct sdk_rpc_request request;
    job->watches->proofs++;
    sdk_rpc_begin(&request);
    if (!evm_tracker_head(evm->tracker, job->height))
        sdk_rpc_add(&request, "eth_getBlockByNumber", "[\"0x%" PRIx64 "\",false]", job->height);
    if (job->receipts) {
        sdk_rpc_add(&request, "eth_getBlockReceipts", "[\"0x%" PRIx64 "\"]", job->height);
    } else {
        sdk_rpc_open_call(&request, "eth_getProof");
        FILE *out = request.stream;
        if (out) {
            fputs("[\"", out);
            sdk_rpc_add_hex(out, job->contract, 20);
            fputs("\",[", out);
            for (size_t i = 0; i < job->group.len; i++) {
                fputs(i ? ",\"" : "\"", out);
                sdk_rpc_add_hex(out, job->slots[i], 32);
                fputc('"', out);
            }
            fprintf(out, "],\"0x%" PRIx64 "\"]", job->height);
        }
        sdk_rpc_close_call(&request);
    }
    sdk_rpc_send(evm->rpc, &request, proved, job);
}

void evm_evidence_start(struct evm_watches *watches, struct evm_watch *first)
{
    const struct evm *evm = watches->evm;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->watches = watches;
    job->contract = evm_watch_contract(evm, first->kind);
    job->receipts = evm->options.evidence == EVM_EVIDENCE_RECEIPTS;
    job->height = job->receipts ? first->last_height : first->close_height;
    for (size_t i = 0; i < watches->len && job->group.len < EVM_GROUP_MAX; i++) {
        struct evm_watch *watch = &watches->list[i];
        if (watch->busy || !watch->closing || evm_watch_contract(evm, watch->kind) != job->contract ||
            job->height < watch->last_height || job->height > watch->close_height ||
            (job->receipts && job->height != watch->last_height) || sdk_loop_now(evm->loop) < watch->retry_at)
            continue;
        evm_abi_slot(job->slots[job->group.len], watch->kind, watch->log);
        job->group.serials[job->group.len++] = watch->serial;
        watch->busy = true;
    }
    if (job->group.len == 0) { /* no height can close it: an empty question would be asked without end */
        free(job);
        first->closing = false;
        return;
    }
    job_start(job);
}
