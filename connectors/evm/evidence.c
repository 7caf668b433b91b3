/*
 * Proving: one eth_getProof for all watches that one block can close; where the node no longer has that state, every
 * receipt of the block that holds a watch's last event.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/watch.h"

/* Refusals before the whole chain is searched for the last event: a node may have been busy, or a balancer's laggard. */
enum { BUSY_MAX = 2 };

struct job {
    struct evm *evm;
    const uint8_t *contract;
    bool receipts;
    uint64_t height;
    struct sdk_group group;
    uint8_t slots[SDK_GROUP_MAX][32];
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
    const struct evm_head *head = evm_tracker_head(job->evm->tracker, job->height);
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

static void send_evidence(struct job *job, const struct ground *ground, struct connector_evidence *evidence,
                          const struct connector_mark *marks, size_t count)
{
    struct evm *evm = job->evm;
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
    sdk_group_conclude(&evm->watches, &job->group, job->height, marks, count, connector_send(evm->connector, &message));
}

/* The value of a slot is what the records led to, or records are missing: then there is no evidence for this watch. */
static bool give_slots(struct job *job, const struct ground *ground, const struct sdk_rpc_answer *answer,
                       const struct sdk_json *result, const char **wrong)
{
    struct connector_mark marks[SDK_GROUP_MAX];
    struct connector_slot slots[SDK_GROUP_MAX];
    struct evm_proof proof;
    size_t count = 0;
    if (!evm_parse_proof(&proof, job->group.len, result, answer->arena, wrong))
        return false;
    for (size_t i = 0; i < job->group.len; i++) {
        struct sdk_watch *watch = sdk_watch_find(&job->evm->watches, job->group.serials[i]);
        if (!watch)
            continue;
        const bool empty = watch->next == 1; /* then there is nothing to prove, and nothing may be in the slot */
        if (empty && codec_bytes_are_zero(proof.slots[i].value, 32)) {
            sdk_watch_settle(watch, job->height);
            continue;
        }
        if (memcmp(proof.slots[i].key, job->slots[i], 32) != 0 ||
            memcmp(proof.slots[i].value, watch->running, 32) != 0) {
            sdk_watch_differs(&job->evm->watches, watch);
            continue;
        }
        slots[count] = (struct connector_slot){.nodes = proof.slots[i].nodes, .nodes_len = proof.slots[i].nodes_len};
        memcpy(slots[count].slot, job->slots[i], 32);
        sdk_watch_mark(&marks[count++], watch);
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
    struct connector_mark marks[SDK_GROUP_MAX];
    struct connector_evidence evidence = {.kind = CONNECTOR_EVIDENCE_RECEIPTS};
    size_t count = 0;
    if (!evm_parse_receipts(&evidence.items, &evidence.items_len, result, answer->arena, wrong))
        return false;
    for (size_t i = 0; i < job->group.len; i++) {
        const struct sdk_watch *watch = sdk_watch_find(&job->evm->watches, job->group.serials[i]);
        if (watch)
            sdk_watch_mark(&marks[count++], watch);
    }
    send_evidence(job, ground, &evidence, marks, count);
    return true;
}

static void job_start(struct job *job);

/* Scans from the start, to find the block of the last event, when there is something to prove. */
static bool look_back(struct job *job, struct sdk_watch *watch, const char *text)
{
    sdk_group_release(&job->evm->watches, &job->group);
    if (watch->owed || watch->next - 1 > watch->proven) {
        sdk_watch_later(&job->evm->watches, watch, text);
        watch->closing = false;
        watch->position = watch->need = 0;
    } else {
        sdk_watch_settle(watch, job->height); /* it was only to be compared, and that is not possible here */
    }
    free(job);
    return true;
}

/* The node refused. Slots may be gone while receipts are not; else the watches wait. */
static bool refused(struct job *job, const char *text)
{
    struct evm *evm = job->evm;
    if (!job->receipts && evm->options.evidence == EVM_EVIDENCE_AUTO) {
        struct sdk_watch *first = sdk_watch_find(&job->evm->watches, job->group.serials[0]);
        if (first && first->last_height == 0 && first->failures < BUSY_MAX) {
            for (size_t i = 0; i < job->group.len; i++) {
                struct sdk_watch *watch = sdk_watch_find(&evm->watches, job->group.serials[i]);
                if (watch)
                    sdk_watch_later(&evm->watches, watch, text);
            }
            return false;
        }
        if (!first || first->last_height == 0) /* where the last event lies is not known: go and look */
            return first && look_back(job, first, text);
        sdk_notice_pruned(&evm->notices, "no proof at height %" PRIu64 " (%s): receipts instead", job->height, text);
        job->receipts = true;
        job->height = first->last_height;
        size_t kept = 0;
        for (size_t i = 0; i < job->group.len; i++) {
            struct sdk_watch *watch = sdk_watch_find(&job->evm->watches, job->group.serials[i]);
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
        struct sdk_watch *watch = sdk_watch_find(&job->evm->watches, job->group.serials[i]);
        if (watch)
            sdk_watch_fail(&evm->watches, watch, text);
    }
    return false;
}

static void proved(void *context, const struct sdk_rpc_answer *answer)
{
    struct job *job = context;
    struct evm *evm = job->evm;
    const char *wrong = "evidence";
    struct ground ground;
    const struct sdk_rpc_reply *reply = answer->count ? &answer->replies[answer->count - 1] : NULL;
    evm->watches.proofs--;
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
            struct sdk_watch *watch = sdk_watch_find(&evm->watches, job->group.serials[i]);
            if (watch)
                sdk_watch_unread(&evm->watches, watch, wrong);
        }
    }
    sdk_group_release(&evm->watches, &job->group);
    free(job);
    if (answer->status == SDK_RPC_OK)
        evm_pump(evm);
}

static void job_start(struct job *job)
{
    struct evm *evm = job->evm;
    struct sdk_rpc_request request;
    evm->watches.proofs++;
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

void evm_evidence_start(void *context, struct sdk_watch *first)
{
    struct evm *evm = context;
    struct sdk_watches *watches = &evm->watches;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return;
    job->evm = evm;
    job->contract = evm_watch_contract(evm, first->kind);
    job->receipts = evm->options.evidence == EVM_EVIDENCE_RECEIPTS;
    job->height = job->receipts ? first->last_height : first->close_height;
    for (size_t i = 0; i < watches->len && job->group.len < SDK_GROUP_MAX; i++) {
        struct sdk_watch *watch = &watches->list[i];
        if (!sdk_watch_is_free(watches, watch) || !watch->closing ||
            evm_watch_contract(evm, watch->kind) != job->contract || job->height < watch->last_height ||
            job->height > watch->close_height || (job->receipts && job->height != watch->last_height))
            continue;
        evm_abi_slot(job->slots[job->group.len], watch->kind, watch->log);
        sdk_group_add(&job->group, watch);
    }
    if (job->group.len == 0) { /* no height can close it: an empty question would be asked without end */
        free(job);
        first->closing = false;
        return;
    }
    job_start(job);
}
