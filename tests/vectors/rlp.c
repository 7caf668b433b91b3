/*
 * ethereum/tests RLPTests: what must be encoded so and read back, and what must be refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/rlp.h"
#include "tests/vectors/vectors.h"

#define ENCODED_MAX 65536

/* "#123…": a decimal integer of any size, into big-endian bytes; returns a view of the significant ones. */
static struct bytes read_big(uint8_t out[64], struct bytes text)
{
    memset(out, 0, 64);
    for (size_t i = 1; i < text.len; i++) {
        unsigned carry = (unsigned)(text.data[i] - '0');
        for (size_t k = 64; k-- > 0;) {
            carry += out[k] * 10u;
            out[k] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    return (struct bytes){out, 64};
}

static void encode(struct codec_writer *writer, struct tools_json_doc *doc, const struct tools_json *in)
{
    uint8_t big[64];
    switch (tools_json_kind(in)) {
    case TOOLS_JSON_ARRAY: {
        size_t mark = codec_rlp_list_begin(writer);
        for (size_t i = 0; i < tools_json_count(in); i++)
            encode(writer, doc, tools_json_at(in, i));
        codec_rlp_list_end(writer, mark);
        return;
    }
    case TOOLS_JSON_INTEGER: codec_rlp_write_u64(writer, tools_json_u64(doc, in, "in")); return;
    case TOOLS_JSON_TEXT: {
        struct bytes text = tools_json_text(doc, in, "in");
        if (text.len > 0 && text.data[0] == '#')
            codec_rlp_write_uint(writer, read_big(big, text));
        else
            codec_rlp_write_string(writer, text);
        return;
    }
    case TOOLS_JSON_NONE:
    case TOOLS_JSON_OBJECT:
    case TOOLS_JSON_OTHER: writer->failed = true; return;
    }
}

/* The same walk in reading: every item is what "in" says. */
static bool reads_back(struct codec_rlp *rlp, struct tools_json_doc *doc, const struct tools_json *in)
{
    static uint8_t expected[ENCODED_MAX];
    struct codec_writer writer;
    struct codec_rlp_item item;
    if (tools_json_kind(in) == TOOLS_JSON_ARRAY) {
        struct codec_rlp list = codec_rlp_read_list(rlp);
        for (size_t i = 0; i < tools_json_count(in); i++)
            if (!reads_back(&list, doc, tools_json_at(in, i)))
                return false;
        return codec_rlp_end(&list);
    }
    codec_writer_init(&writer, expected, sizeof expected);
    encode(&writer, doc, in);
    if (tools_json_kind(in) == TOOLS_JSON_INTEGER)
        return codec_rlp_read_u64(rlp) == tools_json_u64(doc, in, "in") && !rlp->failed;
    return codec_rlp_next(&item, rlp) && !item.is_list && codec_bytes_equal(item.raw, codec_writer_bytes(&writer));
}

static bool text_is(struct bytes text, const char *word)
{
    return codec_bytes_equal(text, (struct bytes){(const uint8_t *)word, strlen(word)});
}

static void check_valid(struct vectors *run, struct tools_json_doc *doc, const char *id, const struct tools_json *in,
                        struct bytes out)
{
    static uint8_t buffer[ENCODED_MAX];
    struct codec_writer writer;
    struct codec_rlp rlp;
    codec_writer_init(&writer, buffer, sizeof buffer);
    encode(&writer, doc, in);
    vectors_check(run, !writer.failed && codec_bytes_equal(codec_writer_bytes(&writer), out), id,
                  "encoded differently");
    codec_rlp_init(&rlp, out);
    bool same = codec_rlp_check(out, CODEC_RLP_DEPTH_MAX) && reads_back(&rlp, doc, in) && codec_rlp_end(&rlp);
    vectors_check(run, same, id, "read differently");
}

bool vectors_try_rlp(struct vectors *run, struct vectors_file *file)
{
    const struct tools_json *root = tools_json_root(file->doc);
    void *first = tools_json_first(root);
    if (!first || !tools_json_get(tools_json_value(first), "in") || !tools_json_get(tools_json_value(first), "out"))
        return false;
    for (void *i = first; i; i = tools_json_next(root, i)) {
        const struct tools_json *in = tools_json_get(tools_json_value(i), "in");
        struct bytes out = tools_json_hex(file->doc, tools_json_get(tools_json_value(i), "out"), tools_json_key(i));
        struct bytes word = {NULL, 0};
        if (tools_json_kind(in) == TOOLS_JSON_TEXT)
            word = tools_json_text(file->doc, in, "in");
        if (text_is(word, "INVALID"))
            vectors_check(run, !codec_rlp_check(out, CODEC_RLP_DEPTH_MAX), tools_json_key(i), "was accepted");
        else if (text_is(word, "VALID"))
            vectors_check(run, codec_rlp_check(out, CODEC_RLP_DEPTH_MAX), tools_json_key(i), "was refused");
        else
            check_valid(run, file->doc, tools_json_key(i), in, out);
    }
    return true;
}
