/*
 * connector_cometbft_verify CHAIN_ID HEADER_HASH ACCOUNT LANE KIND [LANE KIND …]: verifies one evidence message (12, kind 3) from
 * standard input, for the Python harness beside this file: the header bundle as a light client's first trust in that hash, then
 * each head by its ICS-23 proof against the app hash. Exit code 0: verified, and every mark says the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proofs/codec/connector.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/pack.h"
#include "proofs/cometbft.h"
#include "proofs/ics23.h"
#include "proofs/lane.h"

static bool hex32(uint8_t out[32], const char *text)
{
    return codec_hex_decode_exact(out, 32, text, strlen(text));
}

static const char *verify_header(struct proof_cometbft_state *trusted, const struct connector_evidence *said,
                                 const char *chain_id, const uint8_t hash[32])
{
    const struct proof_cometbft_options options = {.now = {time(NULL), 0},
                                                   .trusting_period = (int64_t)14 * 86400 * 1000000000,
                                                   .clock_drift = (int64_t)10 * 1000000000,
                                                   .trust_numerator = 1,
                                                   .trust_denominator = 3,
                                                   .every_signature = true};
    struct proof_cometbft_space *space = proof_cometbft_space_new(100, 0);
    struct codec_unpack unpack;
    struct proof_result result;
    codec_unpack_init(&unpack, said->header);
    codec_unpack_array_exact(&unpack, 3);
    const uint64_t version = codec_unpack_uint(&unpack, UINT64_MAX);
    const struct bytes light = codec_unpack_bin(&unpack, 1 << 20);
    codec_unpack_bin(&unpack, 1 << 20); /* the next validators */
    if (!space || !codec_unpack_done(&unpack) || version != 1)
        return "the header is no bundle";
    const struct bytes id = {(const uint8_t *)chain_id, strlen(chain_id)};
    const enum proof_verdict verdict =
        proof_cometbft_first_verify(&result, trusted, space, id, (int64_t)said->height, hash, light, &options);
    proof_cometbft_space_free(space);
    return verdict == PROOF_VALID ? NULL : proof_reason_text(result.reason);
}

static const char *verify_mark(const struct proof_cometbft_state *trusted, const struct connector_slot *slot,
                               const struct connector_mark *mark, const uint8_t account[32], const uint8_t lane[32],
                               uint8_t kind)
{
    uint8_t key[5 + 64] = "head/", log[32];
    struct proof_result result;
    struct proof_ics23_fact fact;
    struct codec_reader reader;
    uint8_t running[32];
    proof_log_id(log, PROOF_SUITE_KECCAK256_SECP256K1, lane, (enum proof_log_kind)kind);
    memcpy(key + 5, account, 32);
    memcpy(key + 37, log, 32);
    if (memcmp(slot->slot, log, 32) != 0 || slot->nodes_len != 1 || trusted->app_hash_len != 32)
        return "another log, or not one proof";
    if (proof_ics23_verify(&result, &fact, &PROOF_ICS23_IAVL, trusted->app_hash, BYTES_OF(key), slot->nodes[0]) !=
        PROOF_VALID)
        return proof_reason_text(result.reason);
    codec_reader_init(&reader, fact.value);
    const uint64_t number = codec_read_u64(&reader);
    codec_read_copy(running, &reader, 32);
    const bool same = codec_reader_done(&reader) && number == mark->number && memcmp(running, mark->running, 32) == 0;
    return same ? NULL : "the mark says something else than the head";
}

int main(int argc, char **argv)
{
    static struct connector_scratch scratch;
    static uint8_t in[CODEC_CONNECTOR_MESSAGE_MAX];
    struct connector_message message;
    struct proof_cometbft_state trusted;
    uint8_t hash[32], account[32], lane[32];
    const char *wrong = "no evidence of kind 3 with so many marks";
    const struct bytes body = {in, fread(in, 1, sizeof in, stdin)};
    if (argc < 6 || !hex32(hash, argv[2]) || !hex32(account, argv[3]))
        return 2;
    const struct connector_evidence *said = &message.evidence;
    const size_t count = (size_t)(argc - 4) / 2;
    if (codec_connector_decode(&message, &scratch, body, NULL) && message.type == CONNECTOR_EVIDENCE &&
        said->kind == CONNECTOR_EVIDENCE_ICS23 && said->marks_len == count && memcmp(said->account, account, 32) == 0)
        wrong = verify_header(&trusted, said, argv[1], hash);
    for (size_t i = 0; i < count && !wrong; i++)
        wrong = hex32(lane, argv[4 + 2 * i]) ? verify_mark(&trusted, &said->slots[i], &said->marks[i], account, lane,
                                                           (uint8_t)(argv[5 + 2 * i][0] - '0'))
                                             : "no lane";
    if (wrong)
        fprintf(stderr, "refused: %s\n", wrong);
    return wrong != NULL;
}
