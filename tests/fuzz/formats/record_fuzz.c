/*
 * Records and leaves. The first byte chooses: 0 a message record, 1 an outcome record, 2.. a leaf of kind 1..; the rest is
 * the input. Whatever is accepted is written again and must give the same bytes.
 */
#include <assert.h>
#include <string.h>

#include "proofs/leaf.h"
#include "proofs/message.h"
#include "proofs/outcome.h"

#define PAYLOAD_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(struct bytes in)
{
    static uint8_t out[PROOF_MESSAGE_RECORD_BYTES(PROOF_SUITE_COUNT, PAYLOAD_MAX)];
    struct proof_message read;
    struct proof_result result;
    struct codec_reader reader;
    struct codec_writer writer;
    uint8_t digest[32];
    size_t at;
    codec_reader_init(&reader, in);
    if (!proof_message_read(&read, &reader, 1, PAYLOAD_MAX, &result))
        return;
    codec_writer_init(&writer, out, sizeof out);
    bool written = proof_message_write(&writer, &read);
    assert(written && codec_bytes_equal(codec_writer_bytes(&writer), codec_bytes_slice(in, 0, reader.at)));
    (void)written;
    proof_message_digest(digest, proof_suites_lowest(read.suites), digest, &read);
    (void)proof_message_commitments_check(&read, 1, proof_suites_lowest(read.suites), &at);
}

static void outcome(struct bytes in)
{
    uint8_t out[PROOF_OUTCOME_RECORD_BYTES];
    struct proof_outcome read;
    struct proof_result result;
    struct codec_reader reader;
    struct codec_writer writer;
    codec_reader_init(&reader, in);
    if (!proof_outcome_read(&read, &reader, &result))
        return;
    codec_writer_init(&writer, out, sizeof out);
    bool written = proof_outcome_write(&writer, &read);
    assert(written && memcmp(out, in.data, sizeof out) == 0);
    (void)written;
}

static void leaf(uint64_t kind, struct bytes in)
{
    uint8_t out[PROOF_LEAF_BYTES_MAX];
    struct proof_leaf read;
    struct proof_result result;
    struct codec_writer writer;
    if (!proof_leaf_read(&read, kind, in, &result))
        return;
    codec_writer_init(&writer, out, sizeof out);
    bool written = proof_leaf_write(&writer, &read);
    assert(written && codec_bytes_equal(codec_writer_bytes(&writer), in));
    (void)written;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes in = {data + 1, size - 1};
    if (data[0] == 0)
        message(in);
    else if (data[0] == 1)
        outcome(in);
    else
        leaf((uint64_t)data[0] - 1, in);
    return 0;
}
