/*
 * differential_cometbft FILE...: our verdicts beside Go's on the cases that tools/benches/peer_cometbft made. Every difference must be one that is
 * explained below; counts are printed. Exit code 1 when one is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/cometbft_double_vote.h"
#include "proofs/cometbft_inside.h"
#include "proofs/ics23.h"

enum { VALIDATORS = 64, FILE_MAX = 1 << 28, SHOWN = 40 };

/* Where we differ from upstream on purpose. */
static const struct explained {
    enum proof_verdict go, ours;
    enum proof_reason reason;
    const char *why;
} differences[] = {
    {PROOF_VALID, PROOF_INVALID, PROOF_REASON_COMETBFT_ADDRESS,
     "Go compares addresses with the set only until two thirds have signed, and never those of votes for nil; "
     "here all must match; and never the index that votes of double-vote evidence name"},
    {PROOF_VALID, PROOF_INVALID, PROOF_REASON_COMETBFT_VOTES_APART,
     "Go does not look at the index that votes of double-vote evidence name"},
    {PROOF_VALID, PROOF_INVALID, PROOF_REASON_COMETBFT_VOTE_TWICE,
     "Go looks for a second vote of a trusted validator only until the trust level is reached"},
    {PROOF_VALID, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_POWER,
     "Go takes validators without power into a set that is sent; no chain has them"},
    {PROOF_NOT_ENOUGH_TRUST, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_POWER, "the same"},
    {PROOF_VALID, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_ORDER,
     "Go hashes a set in any order that is sent; chains have one order"},
    {PROOF_NOT_ENOUGH_TRUST, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_ORDER, "the same"},
    {PROOF_VALID, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_TWICE, "Go takes a set that has a validator twice"},
    {PROOF_NOT_ENOUGH_TRUST, PROOF_INVALID, PROOF_REASON_COMETBFT_SET_TWICE, "the same"},
    {PROOF_NOT_ENOUGH_TRUST, PROOF_INVALID, PROOF_REASON_COMETBFT_VOTE_TWICE, "the same as for valid ones"},
    {PROOF_INVALID, PROOF_NOT_ENOUGH_TRUST, PROOF_REASON_COMETBFT_TOO_LITTLE_TRUST,
     "where the trusted set mixes kinds of keys Go verifies one by one before it counts; we count first, and accept "
     "nothing more"},
    {PROOF_VALID, PROOF_INVALID, PROOF_REASON_ICS23_OTHER_KEY,
     "Go does not look at the key that a NonExistenceProof names"},
    {PROOF_VALID, PROOF_INVALID, PROOF_REASON_ICS23_MALFORMED, "the same, and the key was left out"},
};
enum { DIFFERENCES = sizeof differences / sizeof differences[0] };

struct totals {
    size_t cases, same, explained, unexplained;
    size_t verdicts[3];
    size_t by[DIFFERENCES];
};

static struct bytes blob(struct codec_reader *reader)
{
    return codec_read_bytes(reader, codec_read_u32(reader));
}

static void compare(struct totals *totals, struct bytes name, struct bytes why, enum proof_verdict go,
                    enum proof_verdict ours, enum proof_reason reason)
{
    totals->cases++;
    totals->verdicts[go]++;
    if (go == ours) {
        totals->same++;
        return;
    }
    for (size_t i = 0; i < DIFFERENCES; i++) {
        if (differences[i].go == go && differences[i].ours == ours && differences[i].reason == reason) {
            totals->explained++;
            totals->by[i]++;
            return;
        }
    }
    if (totals->unexplained++ < SHOWN)
        printf("NOT EXPLAINED %.*s: Go %s (%.*s), ours %s (%s)\n", (int)name.len, (const char *)name.data,
               proof_verdict_text(go), (int)why.len, (const char *)why.data, proof_verdict_text(ours),
               proof_reason_text(reason));
}

/* The state of a trusted header, under the chain id that the case asks about. */
static bool read_trusted(struct totals *totals, struct proof_cometbft_state *trusted, struct bytes name,
                         struct bytes in, struct bytes chain_id)
{
    struct cometbft_header header;
    uint8_t hash[32];
    if (!cometbft_header_read(&header, in) || !proof_cometbft_header_hash(hash, &header)) {
        printf("%.*s: the trusted header cannot be read\n", (int)name.len, (const char *)name.data);
        totals->unexplained++;
        return false;
    }
    cometbft_state_of(trusted, &header, hash);
    memset(trusted->chain_id, 0, sizeof trusted->chain_id);
    memcpy(trusted->chain_id, chain_id.data, chain_id.len);
    trusted->chain_id_len = (uint8_t)chain_id.len;
    return true;
}

static void step_case(struct totals *totals, struct proof_cometbft_space *space, struct codec_reader *reader)
{
    struct bytes name = blob(reader);
    enum proof_verdict go = (enum proof_verdict)codec_read_u64(reader);
    struct bytes why = blob(reader);
    struct bytes chain_id = blob(reader);
    struct bytes trusted_header = blob(reader);
    struct bytes next = blob(reader);
    struct cometbft_parts parts;
    parts.header = blob(reader);
    parts.commit = blob(reader);
    parts.validators = blob(reader);
    struct proof_cometbft_options options = {0};
    options.now.seconds = (int64_t)codec_read_u64(reader);
    options.now.nanos = (int32_t)codec_read_u64(reader);
    options.trusting_period = (int64_t)codec_read_u64(reader);
    options.clock_drift = (int64_t)codec_read_u64(reader);
    options.trust_numerator = (uint32_t)codec_read_u64(reader);
    options.trust_denominator = (uint32_t)codec_read_u64(reader);
    struct proof_cometbft_state trusted, fact;
    struct proof_result result;
    if (reader->failed || !read_trusted(totals, &trusted, name, trusted_header, chain_id))
        return;
    enum proof_verdict ours = proof_cometbft_step_verify(&result, &fact, space, &trusted, next, parts, &options);
    compare(totals, name, why, go, ours, result.reason);
}

static void votes_case(struct totals *totals, struct proof_cometbft_space *space, struct codec_reader *reader)
{
    struct bytes name = blob(reader);
    enum proof_verdict go = (enum proof_verdict)codec_read_u64(reader);
    struct bytes why = blob(reader);
    struct bytes chain_id = blob(reader);
    struct bytes trusted_header = blob(reader);
    struct bytes set = blob(reader);
    struct bytes evidence = blob(reader);
    struct proof_cometbft_options options = {.trust_numerator = 1, .trust_denominator = 3};
    options.now.seconds = (int64_t)codec_read_u64(reader);
    options.now.nanos = (int32_t)codec_read_u64(reader);
    options.trusting_period = (int64_t)codec_read_u64(reader);
    struct proof_cometbft_state trusted;
    struct proof_cometbft_double_vote_fact fact;
    struct proof_result result;
    if (reader->failed || !read_trusted(totals, &trusted, name, trusted_header, chain_id))
        return;
    enum proof_verdict ours =
        proof_cometbft_double_vote_verify(&result, &fact, space, &trusted, set, evidence, &options);
    compare(totals, name, why, go, ours, result.reason);
}

static void proof_case(struct totals *totals, struct codec_reader *reader)
{
    struct bytes name = blob(reader);
    enum proof_verdict go = (enum proof_verdict)codec_read_u64(reader);
    struct bytes why = blob(reader);
    struct bytes tree = blob(reader);
    struct bytes root = blob(reader);
    struct bytes key = blob(reader);
    struct bytes value = blob(reader);
    struct bytes proof = blob(reader);
    struct proof_ics23_fact fact;
    struct proof_result result = {0};
    if (reader->failed || root.len != 32)
        return;
    const struct proof_ics23_spec *spec = tree.data[0] == 'i'   ? &PROOF_ICS23_IAVL
                                          : tree.data[0] == 't' ? &PROOF_ICS23_TENDERMINT
                                                                : &PROOF_ICS23_SMT;
    enum proof_verdict ours = proof_ics23_verify(&result, &fact, spec, root.data, key, proof);
    /* the question was for this value, or for absence */
    if (ours == PROOF_VALID && !codec_bytes_equal(fact.value, value))
        ours = PROOF_INVALID;
    compare(totals, name, why, go, ours, result.reason);
}

static const uint8_t step_kind[4] = "step", votes_kind[5] = "votes";

static bool run_file(struct totals *totals, struct proof_cometbft_space *space, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = file ? malloc(FILE_MAX) : NULL;
    struct codec_reader reader;
    if (!data) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    codec_reader_init(&reader, (struct bytes){data, fread(data, 1, FILE_MAX, file)});
    fclose(file);
    while (codec_reader_left(&reader) > 0) {
        struct bytes kind = blob(&reader);
        if (codec_bytes_equal(kind, BYTES_OF(step_kind)))
            step_case(totals, space, &reader);
        else if (codec_bytes_equal(kind, BYTES_OF(votes_kind)))
            votes_case(totals, space, &reader);
        else
            proof_case(totals, &reader);
    }
    free(data);
    return !reader.failed;
}

int main(int argc, char **argv)
{
    struct totals totals = {0};
    struct proof_cometbft_space *space = proof_cometbft_space_new(VALIDATORS, 0);
    bool ok = argc > 1 && space;
    for (int i = 1; i < argc && ok; i++)
        ok = run_file(&totals, space, argv[i]);
    proof_cometbft_space_free(space);
    printf(
        "%zu cases: %zu the same verdict (Go: %zu valid, %zu not enough trust, %zu invalid), %zu explained, %zu not\n",
        totals.cases, totals.same, totals.verdicts[PROOF_VALID], totals.verdicts[PROOF_NOT_ENOUGH_TRUST],
        totals.verdicts[PROOF_INVALID], totals.explained, totals.unexplained);
    for (size_t i = 0; i < DIFFERENCES; i++)
        if (totals.by[i] > 0)
            printf("%6zu  Go %s, ours %s (%s): %s\n", totals.by[i], proof_verdict_text(differences[i].go),
                   proof_verdict_text(differences[i].ours), proof_reason_text(differences[i].reason),
                   differences[i].why);
    return ok && totals.unexplained == 0 && totals.cases > 0 ? 0 : 1;
}
