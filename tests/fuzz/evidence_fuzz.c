/*
 * Evidence of an EVM chain. An input is: account (20 bytes), number of logs (1), for each its lane (32) and kind (1), then the
 * evidence message as a connector sends it (docs/connector-protocol.md, message 12).
 *
 * What must hold besides memory: one header proves one running hash for a log. The seeds are evidence of a real ledger, so
 * whatever else is accepted under a header that a seed named must say what the seed said.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/eth_evidence.h"
#include "proofs/lane.h"

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
