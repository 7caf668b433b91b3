/*
 * connector_cometbft_verify CHAIN_ID STORE HEADER_HASH ACCOUNT LANE KIND [LANE KIND …]: verifies one evidence message (12, kind 3) from
 * standard input as a relay does, for the Python harness beside this file: the header is first trusted by that hash, as an
 * operator would give it; the marks are those of these lanes' logs, in order. Exit code 0: verified, and every mark says the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/hex.h"
#include "proofs/cometbft_evidence.h"
#include "proofs/lane.h"

static bool hex32(uint8_t out[32], const char *text)
{
    return codec_hex_decode_exact(out, 32, text, strlen(text));
}

static enum proof_verdict verify(struct proof_result *result, struct proof_cometbft_evidence_fact *fact,
                                 const struct connector_evidence *said, char **argv,
                                 const struct proof_cometbft_log_place *places, size_t count)
{
    const struct proof_cometbft_options options = {.now = {time(NULL), 0},
                                                   .trusting_period = (int64_t)14 * 86400 * 1000000000,
                                                   .clock_drift = (int64_t)10 * 1000000000,
                                                   .trust_numerator = 1,
                                                   .trust_denominator = 3,
                                                   .every_signature = true};
    const struct bytes chain_id = {(const uint8_t *)argv[1], strlen(argv[1])};
    struct proof_cometbft_space *space = proof_cometbft_space_new(100, 0);
    struct proof_cometbft_height height;
    struct proof_cometbft_trust trust;
    struct proof_cometbft_app app = {.store = {(const uint8_t *)argv[2], strlen(argv[2])}};
    uint8_t hash[32];
    enum proof_verdict verdict = PROOF_INVALID;
    if (space && hex32(hash, argv[3]) && hex32(app.account, argv[4]) &&
        proof_cometbft_height_read(&height, said->header))
        verdict = proof_cometbft_trust_begin(result, &trust, space, chain_id, (int64_t)said->height, hash, height.block,
                                             &options);
    if (verdict == PROOF_VALID)
        verdict = proof_cometbft_evidence_verify(result, fact, &trust, space, height.next_validators, &app, places,
                                                 count, said->header, said->proof, &options);
    proof_cometbft_space_free(space);
    return verdict;
}

static bool same_as_said(const struct proof_cometbft_evidence_fact *fact, const struct connector_evidence *said)
{
    for (size_t i = 0; i < fact->logs_len; i++)
        if (fact->logs[i].number != said->marks[i].number ||
            memcmp(fact->logs[i].running, said->marks[i].running, 32) != 0)
            return false;
    return fact->logs_len == said->marks_len && fact->height == said->height;
}

int main(int argc, char **argv)
{
    static struct connector_scratch scratch;
    static uint8_t in[CODEC_CONNECTOR_MESSAGE_MAX];
    static struct proof_cometbft_evidence_fact fact;
    struct proof_cometbft_log_place places[PROOF_COMETBFT_EVIDENCE_LOGS_MAX];
    struct connector_message message;
    struct proof_result result = {0};
    uint8_t lane[32];
    size_t count = 0;
    const struct bytes body = {in, fread(in, 1, sizeof in, stdin)};
    for (int i = 5; i + 1 < argc && count < PROOF_COMETBFT_EVIDENCE_LOGS_MAX; i += 2) {
        if (!hex32(lane, argv[i]))
            return 2;
        places[count].kind = (uint8_t)(argv[i + 1][0] - '0');
        proof_log_id(places[count].log, PROOF_SUITE_KECCAK256_SECP256K1, lane, (enum proof_log_kind)places[count].kind);
        count++;
    }
    if (count == 0 || !codec_connector_decode(&message, &scratch, body, NULL) || message.type != CONNECTOR_EVIDENCE ||
        message.evidence.kind != CONNECTOR_EVIDENCE_ICS23)
        return 2;
    if (verify(&result, &fact, &message.evidence, argv, places, count) != PROOF_VALID) {
        fprintf(stderr, "refused: %s at %zu\n", proof_reason_text(result.reason), result.at);
        return 1;
    }
    if (!same_as_said(&fact, &message.evidence)) {
        fprintf(stderr, "marks that say something else\n");
        return 1;
    }
    return 0;
}
