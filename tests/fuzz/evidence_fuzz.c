/*
 * Evidence of an EVM chain. An input is: account (20 bytes), number of logs (1), for each its lane (32) and kind (1), then the
 * evidence message as a connector sends it (docs/connector-protocol.md, message 12).
 *
 * What must hold besides memory: one header proves one running hash for a log. The seeds are evidence of a real ledger, so
 * whatever else is accepted under a header that a seed named must say what the seed said. Receipts are also shown under a header with their own root, so
 * that their events are reached however they were changed; what is accepted then is what the last event of each log says, found here anew.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/keccak.h"
#include "proofs/eth_evidence.h"
#include "proofs/eth_header.h"
#include "proofs/eth_receipt.h"
#include "proofs/lane.h"
#include "proofs/mpt.h"

enum { TOLD_MAX = 4096 };

struct told {
    uint8_t header[32], account[32], log[32], running[32];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t places_read(struct proof_eth_log_place places[4], struct codec_reader *reader)
{
    size_t count = codec_read_u8(reader) & 3;
    for (size_t i = 0; i < count; i++) {
        struct bytes lane = codec_read_bytes(reader, 32);
        places[i].kind = (uint8_t)(codec_read_u8(reader) % 3 + 1);
        if (reader->failed)
            return 0;
        memcpy(places[i].lane, lane.data, 32);
        proof_log_id(places[i].log, PROOF_SUITE_KECCAK256_SECP256K1, places[i].lane,
                     (enum proof_log_kind)places[i].kind);
    }
    return count;
}

/* Traps when this header has proven another running hash for the log before. */
static void tell(const struct told *one)
{
    static struct told list[TOLD_MAX];
    static size_t len;
    for (size_t i = 0; i < len; i++) {
        if (memcmp(&list[i], one, 96) != 0)
            continue;
        if (memcmp(list[i].running, one->running, 32) != 0)
            __builtin_trap();
        return;
    }
    if (len < TOLD_MAX)
        list[len++] = *one;
}

/* ---- receipts under their own root ---- */

/* The place of a receipt in its trie: keys are RLP, so 1 to 127 come first, then 0, then 128 and up. */
static void receipt_at(struct proof_mpt_entry *out, uint8_t scratch[PROOF_MPT_KEY_MAX], const void *context, size_t at)
{
    const struct connector_evidence *evidence = context;
    const size_t small = evidence->items_len > 128 ? 127 : evidence->items_len - 1;
    size_t index = at < small ? at + 1 : at == small ? 0 : at;
    out->key = (struct bytes){scratch, codec_eth_index_key(scratch, index)};
    out->value = evidence->items[index];
}

/* The last event of a log among all receipts; false when there is none that can be read. */
static bool last_event(struct eth_log *last, const struct connector_evidence *evidence, const uint8_t account[32],
                       const struct proof_eth_log_place *place)
{
    const char *text = place->kind == PROOF_LOG_MESSAGE ? "Message(bytes32,uint64,bytes32,bytes)"
                                                        : "Outcome(bytes32,uint64,uint64,bytes32,uint8,uint32,bytes32)";
    struct proof_result result;
    struct eth_receipt receipt;
    struct codec_rlp logs;
    struct eth_log log;
    uint8_t topic[32];
    bool found = false;
    codec_keccak256(topic, (struct bytes){(const uint8_t *)text, strlen(text)});
    for (size_t i = 0; i < evidence->items_len; i++) {
        if (proof_eth_receipt_parse(&result, &receipt, &logs, evidence->items[i]) != PROOF_VALID)
            __builtin_trap();
        while (proof_eth_log_next(&log, &logs)) {
            if (log.topic_count < 2 || memcmp(log.address, account + 12, 20) != 0 ||
                memcmp(log.topics[0], topic, 32) != 0 || memcmp(log.topics[1], place->lane, 32) != 0)
                continue;
            *last = log;
            found = true;
        }
    }
    return found;
}

static void check_events(const struct proof_eth_evidence_fact *fact, const struct connector_evidence *evidence,
                         const uint8_t account[32], const struct proof_eth_log_place *places)
{
    for (size_t i = 0; i < fact->logs_len; i++) {
        struct eth_log log;
        size_t at = places[i].kind == PROOF_LOG_MESSAGE ? 0 : 128;
        if (places[i].kind == PROOF_LOG_SETTLEMENT || !last_event(&log, evidence, account, &places[i]) ||
            log.topic_count != 3 || log.data.len < at + 32 ||
            memcmp(fact->logs[i].running, log.data.data + at, 32) != 0)
            __builtin_trap();
        for (size_t k = 0; k < 8; k++)
            if (log.topics[2][24 + k] != (uint8_t)(fact->logs[i].number >> (56 - 8 * k)))
                __builtin_trap();
    }
}

static void show_mended(const uint8_t account[32], const struct proof_eth_log_place *places, size_t count,
                        struct bytes evidence)
{
    static struct connector_scratch scratch;
    static struct proof_eth_evidence_fact fact;
    static uint8_t rlp[ETH_HEADER_BYTES_MAX + 64];
    struct connector_message message;
    struct eth_header header;
    struct proof_result result;
    struct codec_writer writer;
    struct codec_pack pack;
    if (!codec_connector_decode(&message, &scratch, evidence, NULL) || message.type != CONNECTOR_EVIDENCE ||
        message.evidence.kind != PROOF_ETH_EVIDENCE_RECEIPTS || message.evidence.items_len == 0 ||
        proof_eth_header_parse(&result, &header, message.evidence.header) != PROOF_VALID)
        return;
    const struct proof_mpt_source source = {receipt_at, &message.evidence, message.evidence.items_len};
    if (proof_mpt_root(&result, header.receipts_root, &source) != PROOF_VALID)
        return;
    memcpy(message.evidence.account, account, 32);
    message.evidence.height = header.number;
    codec_writer_init(&writer, rlp, sizeof rlp);
    codec_eth_header_write(&writer, &header);
    message.evidence.header = codec_writer_bytes(&writer);
    codec_pack_init(&pack, CODEC_CONNECTOR_MESSAGE_MAX);
    codec_connector_encode(&pack, &message);
    if (proof_eth_evidence_verify(&result, &fact, account, places, count, codec_pack_bytes(&pack)) == PROOF_VALID)
        check_events(&fact, &message.evidence, account, places);
    else if (result.reason == PROOF_REASON_RECEIPTS_ROOT_MISMATCH)
        __builtin_trap();
    codec_pack_fini(&pack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct proof_eth_evidence_fact fact;
    struct proof_eth_log_place places[4];
    struct proof_result result;
    struct told one = {.account = {0}};
    struct codec_reader reader;
    codec_reader_init(&reader, (struct bytes){data, size});
    struct bytes account = codec_read_bytes(&reader, 20);
    size_t count = places_read(places, &reader);
    if (reader.failed || count == 0)
        return 0;
    memcpy(one.account + 12, account.data, 20);
    struct bytes evidence = codec_read_bytes(&reader, codec_reader_left(&reader));
    show_mended(one.account, places, count, evidence);
    if (proof_eth_evidence_verify(&result, &fact, one.account, places, count, evidence) != PROOF_VALID)
        return 0;
    if (fact.logs_len != count)
        __builtin_trap();
    memcpy(one.header, fact.header_hash, 32);
    for (size_t i = 0; i < count; i++) {
        memcpy(one.log, places[i].log, 32);
        memcpy(one.running, fact.logs[i].running, 32);
        tell(&one);
    }
    return 0;
}
