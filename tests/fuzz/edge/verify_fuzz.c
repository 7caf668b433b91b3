/*
 * Any text as the files of `isthmus verify`: what an auditor is sent by strangers. An input is: kind (1 byte), length of the first text
 * (u16, big-endian): what is trusted; then the evidence, which for agreement and odd kinds is also cut in two.
 *
 * What must hold besides memory: a file that cannot be used is named and proves nothing; what is valid had nothing wrong with it; the
 * same files give the same verdict again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/verify/kinds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tools_verify_kind *const KINDS[] = {
    tools_verify_eth_header,
    tools_verify_eth_account,
    tools_verify_eth_storage,
    tools_verify_eth_receipts,
    tools_verify_mpt,
    tools_verify_agreement,
    tools_verify_certificate,
    tools_verify_cometbft_header,
    tools_verify_cometbft_commit,
    tools_verify_cometbft_votes,
    tools_verify_ics23,
};
enum { KINDS_LEN = sizeof KINDS / sizeof *KINDS, AGREEMENT = 5 };

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static enum proof_verdict judge(struct proof_result *result, unsigned kind, struct bytes trusted, struct bytes evidence)
{
    size_t half = kind == AGREEMENT ? evidence.len / 2 : evidence.len;
    struct tools_json_doc *docs[2] = {tools_json_parse("a", (const char *)evidence.data, half),
                                      tools_json_parse("b", (const char *)evidence.data + half, evidence.len - half)};
    struct tools_verify_case one = {
        .trusted = tools_json_parse("trusted", (const char *)trusted.data, trusted.len),
        .evidence = docs,
        .evidence_count = kind == AGREEMENT ? 2 : 1,
        .result = {PROOF_REASON_NOT_CHECKED, 0},
        .facts = tools_json_new_object(),
    };
    enum proof_verdict verdict = PROOF_INVALID;
    bool unusable = tools_json_error(one.trusted) != NULL;
    if (!unusable) /* as verify.c does */
        verdict = KINDS[kind](&one);
    for (size_t i = 0; i < one.evidence_count; i++)
        unusable = unusable || tools_json_error(docs[i]) != NULL;
    unusable = unusable || tools_json_error(one.trusted) != NULL;
    require(verdict != PROOF_VALID || (!unusable && one.result.reason == PROOF_REASON_VALID));
    require(proof_reason_text(one.result.reason) != NULL);
    *result = one.result;
    tools_json_free(one.facts);
    tools_json_close(one.trusted);
    tools_json_close(docs[0]);
    tools_json_close(docs[1]);
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proof_result first, second;
    if (size < 3)
        return 0;
    unsigned kind = data[0] % KINDS_LEN;
    size_t len = (size_t)data[1] << 8 | data[2];
    if (len > size - 3)
        return 0;
    struct bytes trusted = {data + 3, len}, evidence = {data + 3 + len, size - 3 - len};
    enum proof_verdict verdict = judge(&first, kind, trusted, evidence);
    require(judge(&second, kind, trusted, evidence) == verdict);
    require(first.reason == second.reason && first.at == second.at);
    return 0;
}
