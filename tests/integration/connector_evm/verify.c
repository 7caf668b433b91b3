/*
 * connector_evm_verify HEADER_HASH: reads one evidence message (12) from standard input and verifies it with the relay's own
 * verifiers, for the Python harness beside this file. Exit code 0: every mark is proven.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/hex.h"
#include "proofs/eth_account.h"
#include "proofs/eth_header.h"
#include "proofs/eth_receipt.h"

static int refuse(const char *what, const struct proof_result *result)
{
    fprintf(stderr, "%s: %s at %zu\n", what, proof_reason_text(result->reason), result->at);
    return 1;
}

static int verify_slots(const struct connector_evidence *evidence, const struct eth_header *header)
{
    struct proof_result result;
    for (size_t i = 0; i < evidence->slots_len; i++) {
        struct proof_eth_storage_fact fact;
        const struct connector_slot *slot = &evidence->slots[i];
        if (proof_eth_storage_verify(&result, &fact, header->state_root, evidence->account + 12, slot->slot,
                                     evidence->items, evidence->items_len, slot->nodes,
                                     slot->nodes_len) != PROOF_VALID)
            return refuse("slot", &result);
        if (memcmp(fact.value, evidence->marks[i].running, 32) != 0) {
            fprintf(stderr, "mark %zu: another running hash is in the slot\n", i);
            return 1;
        }
    }
    return 0;
}

/* The last event of the contract that carries the mark's running hash is in the block. */
static int verify_receipts(const struct connector_evidence *evidence, const struct eth_header *header)
{
    struct proof_result result;
    struct proof_eth_receipts_fact fact;
    if (proof_eth_receipts_verify(&result, &fact, header->receipts_root, evidence->items, evidence->items_len) !=
        PROOF_VALID)
        return refuse("receipts", &result);
    for (size_t i = 0; i < evidence->marks_len; i++) {
        bool found = false;
        for (size_t r = 0; r < fact.count; r++) {
            const struct bytes receipt = fact.receipts[r];
            for (size_t at = 0; at + 32 <= receipt.len && !found; at++)
                found = memcmp(receipt.data + at, evidence->marks[i].running, 32) == 0;
        }
        if (!found) {
            fprintf(stderr, "mark %zu: no event carries its running hash\n", i);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct connector_scratch scratch;
    static uint8_t message[CODEC_CONNECTOR_MESSAGE_MAX];
    struct connector_message decoded;
    struct proof_result result;
    struct proof_eth_header_fact header;
    uint8_t hash[32];
    const char *where = NULL;
    const size_t len = fread(message, 1, sizeof message, stdin);
    if (argc != 2 || !codec_hex_decode_exact(hash, 32, argv[1], strlen(argv[1])))
        return 2;
    if (!codec_connector_decode(&decoded, &scratch, (struct bytes){message, len}, &where) ||
        decoded.type != CONNECTOR_EVIDENCE) {
        fprintf(stderr, "not an evidence message: %s\n", where ? where : "another type");
        return 1;
    }
    if (proof_eth_header_verify(&result, &header, hash, decoded.evidence.header) != PROOF_VALID)
        return refuse("header", &result);
    if (header.header.number != decoded.evidence.height)
        return 1;
    return decoded.evidence.kind == CONNECTOR_EVIDENCE_SLOT ? verify_slots(&decoded.evidence, &header.header)
                                                            : verify_receipts(&decoded.evidence, &header.header);
}
