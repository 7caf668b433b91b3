/*
 * A CometBFT node's answers, any bytes: read as a signed header, validators, proofs of a key, evidence, a lane and a sequence. What is
 * taken can be written, and what was written is what strict readers take.
 */
#include <stdlib.h>

#include "connectors/cometbft/ledger.h"
#include "connectors/cometbft/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64, BYTES_MAX = 1 << 16 };

/* A header and a commit whose fields have the sizes that CometBFT gives them are read back from what was written. */
static void write_and_read(const struct cometbft_header *header, const struct cometbft_commit *commit)
{
    static uint8_t out[BYTES_MAX];
    struct cometbft_vote votes[ROOM];
    struct cometbft_validator validators[ROOM];
    const struct cometbft_room room = {votes, validators, ROOM};
    struct cometbft_header again;
    struct cometbft_commit same;
    struct codec_writer writer;
    codec_writer_init(&writer, out, sizeof out);
    cometbft_header_write(&writer, header);
    if (!writer.failed && cometbft_header_read(&again, codec_writer_bytes(&writer)) &&
        (again.height != header->height || !codec_bytes_equal(again.app_hash, header->app_hash)))
        abort();
    codec_writer_init(&writer, out, sizeof out);
    cometbft_commit_write(&writer, commit);
    if (!writer.failed && cometbft_commit_read(&same, room, codec_writer_bytes(&writer)) &&
        (same.height != commit->height || same.votes_len != commit->votes_len))
        abort();
}

/* A proof about the key and the store that it says it is about. */
static void read_shown(const struct sdk_json *response, struct sdk_arena *arena)
{
    const struct sdk_json *ops = sdk_json_member(sdk_json_member(response, "proofOps"), "ops");
    struct cometbft_shown shown;
    struct bytes store = {NULL, 0}, key = {NULL, 0};
    int64_t height = 0;
    sdk_json_decimal(&height, sdk_json_member(response, "height"));
    sdk_json_base64(&key, sdk_json_member(sdk_json_element(ops, 0), "key"), arena);
    sdk_json_base64(&store, sdk_json_member(sdk_json_element(ops, 1), "key"), arena);
    if (cometbft_parse_shown(&shown, response, (uint64_t)height, store, key, arena))
        return;
    if (shown.ops_len != (store.len == 0 ? 1 : 2) || shown.ops_len != sdk_json_length(ops))
        abort();
    for (size_t i = 0; i < shown.ops_len; i++)
        if (shown.ops[i].len == 0)
            abort();
}

/* Evidence of a double vote that was taken can be written and read. */
static void evidence_write_and_read(const struct cometbft_double_vote *evidence)
{
    static uint8_t out[BYTES_MAX];
    struct cometbft_double_vote again;
    struct codec_writer writer;
    codec_writer_init(&writer, out, sizeof out);
    cometbft_double_vote_write(&writer, evidence);
    if (!writer.failed && cometbft_double_vote_read(&again, codec_writer_bytes(&writer)) &&
        (again.a.height != evidence->a.height || again.b.index != evidence->b.index))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[160];
    struct sdk_arena arena = {0};
    struct cometbft_header header = {0};
    struct cometbft_commit commit = {0};
    struct cometbft_kept_validator validator = {0};
    struct cometbft_lane lane;
    uint64_t sequence;
    struct sdk_json *root = sdk_json_parse((struct bytes){data, size}, text, sizeof text);
    if (!root)
        return 0;
    if (cometbft_parse_signed_header(&header, &commit, sdk_json_member(root, "signed_header"), &arena))
        write_and_read(&header, &commit);
    const struct sdk_json *list = sdk_json_member(root, "validators");
    for (size_t i = 0; i < sdk_json_length(list); i++)
        if (cometbft_parse_validator(&validator, sdk_json_element(list, i), &arena) &&
            validator.key_len > sizeof validator.key)
            abort();
    read_shown(sdk_json_member(root, "response"), &arena);
    const struct sdk_json *block = sdk_json_member(root, "block");
    const struct sdk_json *evidence = sdk_json_member(sdk_json_member(block, "evidence"), "evidence");
    struct cometbft_double_vote votes;
    for (size_t i = 0; i < sdk_json_length(evidence); i++)
        if (cometbft_parse_double_vote(&votes, sdk_json_element(evidence, i), &arena))
            evidence_write_and_read(&votes);
    cometbft_parse_has_evidence(sdk_json_member(sdk_json_member(block, "header"), "evidence_hash"), &arena);
    const struct sdk_rpc_reply reply = {.message = "", .result = root};
    if (cometbft_ledger_lane(&lane, &reply, &arena) && lane.entries > lane.count)
        abort();
    cometbft_ledger_sequence(&sequence, &reply, &arena);
    sdk_json_free(root);
    sdk_arena_fini(&arena);
    return 0;
}
