/*
 * connector_evm_verify HEADER_HASH ACCOUNT LANE KIND [LANE KIND …]: verifies one evidence message (12) from standard input as a
 * relay does, for the Python harness beside this file: the marks are those of these lanes' logs, in order. Prints what was
 * proven, one "log number running" a mark; exit code 0: verified, and every mark says the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/hex.h"
#include "proofs/eth_evidence.h"
#include "proofs/lane.h"

static bool hex32(uint8_t out[32], const char *text)
{
    return codec_hex_decode_exact(out, 32, text, strlen(text));
}

static bool same_as_said(const struct proof_eth_evidence_fact *fact, const struct connector_evidence *said)
{
    for (size_t i = 0; i < fact->logs_len; i++) {
        if (memcmp(fact->logs[i].running, said->marks[i].running, 32) != 0)
            return false;
        if (said->kind == CONNECTOR_EVIDENCE_RECEIPTS && fact->logs[i].number != said->marks[i].number)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct connector_scratch scratch;
    static uint8_t in[CODEC_CONNECTOR_MESSAGE_MAX];
    static struct proof_eth_evidence_fact fact;
    struct proof_eth_log_place places[PROOF_ETH_EVIDENCE_LOGS_MAX];
    struct connector_message message;
    struct proof_result result;
    uint8_t hash[32], account[32];
    size_t count = 0;
    const struct bytes body = {in, fread(in, 1, sizeof in, stdin)};
    if (argc < 5 || !hex32(hash, argv[1]) || !hex32(account, argv[2]))
        return 2;
    for (int i = 3; i + 1 < argc && count < PROOF_ETH_EVIDENCE_LOGS_MAX; i += 2) {
        if (!hex32(places[count].lane, argv[i]))
            return 2;
        places[count].kind = (uint8_t)(argv[i + 1][0] - '0');
        proof_log_id(places[count].log, PROOF_SUITE_KECCAK256_SECP256K1, places[count].lane,
                     (enum proof_log_kind)places[count].kind);
        count++;
    }
    if (proof_eth_evidence_verify(&result, &fact, account, places, count, body) != PROOF_VALID) {
        fprintf(stderr, "refused: %s at %zu\n", proof_reason_text(result.reason), result.at);
        return 1;
    }
    if (memcmp(fact.header_hash, hash, 32) != 0 || !codec_connector_decode(&message, &scratch, body, NULL) ||
        !same_as_said(&fact, &message.evidence)) {
        fprintf(stderr, "another header, or marks that say something else\n");
        return 1;
    }
    return 0;
}
