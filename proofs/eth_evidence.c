/* Evidence of an EVM chain: header, then slots or whole-block receipts (docs/connector-protocol.md, message 12). */
#include "proofs/eth_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/keccak.h"
#include "proofs/eth_account.h"
#include "proofs/eth_header.h"
#include "proofs/eth_receipt.h"
#include "proofs/lane.h"

/* keccak256 of "Message(bytes32,uint64,bytes32,bytes)" and of
 * "Outcome(bytes32,uint64,uint64,bytes32,uint8,uint32,bytes32)" (connectors/evm/contracts). */
static const char MESSAGE_EVENT[] = "Message(bytes32,uint64,bytes32,bytes)";
static const char OUTCOME_EVENT[] = "Outcome(bytes32,uint64,uint64,bytes32,uint8,uint32,bytes32)";

void proof_eth_log_slot(uint8_t slot[32], const struct proof_eth_log_place *place)
{
    uint8_t input[64] = {0};
    memcpy(input, place->log, 32);
    input[63] = place->kind == PROOF_LOG_MESSAGE ? 0 : 1;
    codec_keccak256(slot, BYTES_OF(input));
}

/* A refusal inside one of the helpers below. */
static bool refused(struct proof_result *result, enum proof_reason reason, size_t at)
{
    proof_refuse(result, reason, at);
    return false;
}

static bool slots_proven(struct proof_result *result, struct proof_eth_evidence_fact *fact,
                         const struct eth_header *header, const uint8_t account[32],
                         const struct proof_eth_log_place *places, const struct connector_evidence *evidence)
{
    struct proof_eth_account_fact contract;
    if (proof_eth_account_verify(result, &contract, header->state_root, account + 12, evidence->items,
                                 evidence->items_len) != PROOF_VALID)
        return false;
    for (size_t i = 0; i < fact->logs_len; i++) {
        struct proof_eth_storage_fact slot;
        uint8_t key[32];
        proof_eth_log_slot(key, &places[i]);
        /* The slot is ours to name: the evidence only repeats it, and must repeat it right. */
        if (memcmp(key, evidence->slots[i].slot, 32) != 0)
            return refused(result, PROOF_REASON_EVIDENCE_OTHER_SLOT, i);
        if (proof_eth_slot_verify(result, &slot, &contract, key, evidence->slots[i].nodes,
                                  evidence->slots[i].nodes_len) != PROOF_VALID)
            return false;
        memcpy(fact->logs[i].running, slot.value, 32);
    }
    return true;
}

static uint64_t word_number(const uint8_t word[32])
{
    struct codec_reader reader;
    codec_reader_init(&reader, (struct bytes){word + 24, 8});
    return codec_read_u64(&reader);
}

/* The last event of a log in the block names number and running hash after it. */
static bool event_read(struct proof_eth_evidence_fact *fact, size_t at, const struct eth_log *log, uint8_t kind)
{
    size_t running = kind == PROOF_LOG_MESSAGE ? 0 : 4 * 32; /* word of the running hash in the event's data */
    if (log->topic_count != 3 || log->data.len < running + 32)
        return false;
    fact->logs[at].number = word_number(log->topics[2]);
    memcpy(fact->logs[at].running, log->data.data + running, 32);
    return true;
}

static bool receipts_proven(struct proof_result *result, struct proof_eth_evidence_fact *fact,
                            const struct eth_header *header, const uint8_t account[32],
                            const struct proof_eth_log_place *places, const struct connector_evidence *evidence)
{
    struct proof_eth_receipts_fact block;
    uint8_t topic[2][32];
    codec_keccak256(topic[0], (struct bytes){(const uint8_t *)MESSAGE_EVENT, sizeof(MESSAGE_EVENT) - 1});
    codec_keccak256(topic[1], (struct bytes){(const uint8_t *)OUTCOME_EVENT, sizeof(OUTCOME_EVENT) - 1});
    const struct bytes *receipts = evidence->items;
    size_t count = evidence->items_len;
    if (proof_eth_receipts_verify(result, &block, header->receipts_root, receipts, count) != PROOF_VALID)
        return false;
    for (size_t i = 0; i < fact->logs_len; i++) {
        struct proof_eth_log_walk walk = {0};
        struct eth_log log;
        bool found = false;
        if (places[i].kind != PROOF_LOG_MESSAGE && places[i].kind != PROOF_LOG_OUTCOME)
            return refused(result, PROOF_REASON_EVIDENCE_KIND, i);
        while (proof_eth_log_find(&log, &walk, &block, account + 12, topic[places[i].kind - 1])) {
            if (log.topic_count < 2 || memcmp(log.topics[1], places[i].lane, 32) != 0)
                continue;
            if (!event_read(fact, i, &log, places[i].kind))
                return refused(result, PROOF_REASON_EVIDENCE_EVENT, i);
            found = true;
        }
        /* A block without an event says nothing about where the log stands. */
        if (!found)
            return refused(result, PROOF_REASON_EVIDENCE_NO_EVENT, i);
    }
    return true;
}

static bool evidence_proven(struct proof_result *result, struct proof_eth_evidence_fact *fact,
                            const uint8_t account[32], const struct proof_eth_log_place *places, size_t places_len,
                            const struct connector_evidence *evidence)
{
    struct eth_header header;
    if (proof_eth_header_parse(result, &header, evidence->header) != PROOF_VALID)
        return false;
    if (header.number != evidence->height)
        return refused(result, PROOF_REASON_EVIDENCE_OTHER_HEIGHT, 0);
    if (memcmp(evidence->account, account, 32) != 0)
        return refused(result, PROOF_REASON_EVIDENCE_OTHER_ACCOUNT, 0);
    if (evidence->marks_len != places_len || places_len == 0 || places_len > PROOF_ETH_EVIDENCE_LOGS_MAX)
        return refused(result, PROOF_REASON_EVIDENCE_LOGS, places_len);
    fact->height = header.number;
    fact->time = header.timestamp;
    codec_keccak256(fact->header_hash, evidence->header);
    fact->logs_len = places_len;
    for (size_t i = 0; i < places_len; i++) {
        memcpy(fact->logs[i].log, places[i].log, 32);
        fact->logs[i].kind = places[i].kind;
    }
    if (evidence->kind == PROOF_ETH_EVIDENCE_SLOT)
        return slots_proven(result, fact, &header, account, places, evidence);
    return receipts_proven(result, fact, &header, account, places, evidence);
}

enum proof_verdict proof_eth_evidence_verify(struct proof_result *result, struct proof_eth_evidence_fact *fact,
                                             const uint8_t account[32], const struct proof_eth_log_place *places,
                                             size_t places_len, struct bytes evidence)
{
    struct connector_message message;
    memset(fact, 0, sizeof(*fact));
    /* The decoder's lists are large for a stack: the one allocation of this verifier, bounded and freed here. */
    struct connector_scratch *scratch = malloc(sizeof(*scratch));
    if (scratch == NULL)
        return proof_refuse(result, PROOF_REASON_TOO_LARGE, 0);
    bool proven = false;
    if (!codec_connector_decode(&message, scratch, evidence, NULL) || message.type != CONNECTOR_EVIDENCE ||
        message.evidence.kind > PROOF_ETH_EVIDENCE_RECEIPTS)
        proof_refuse(result, PROOF_REASON_EVIDENCE_MALFORMED, 0);
    else
        proven = evidence_proven(result, fact, account, places, places_len, &message.evidence);
    free(scratch);
    if (!proven) {
        memset(fact, 0, sizeof(*fact));
        return PROOF_INVALID;
    }
    proof_accept(result);
    return PROOF_VALID;
}
