/*
 * What `isthmus decode` says of frames, records and stores whose content is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proofs/codec/cometbft.h"
#include "proofs/codec/connector.h"
#include "proofs/frame.h"
#include "relay/store/keys.h"
#include "relay/store/store.h"
#include "tools/isthmus/decode.h"

static char *said(bool (*decode)(struct decode_out *, struct bytes), struct bytes in, bool expected)
{
    char *text = NULL;
    size_t len = 0;
    struct decode_out out = {.stream = open_memstream(&text, &len)};
    assert_non_null(out.stream);
    assert_int_equal(decode(&out, in), expected);
    fclose(out.stream);
    return text;
}

static void test_decode__frame_names_every_field_at_its_offset(void **state)
{
    const uint8_t secret[32] = {7};
    struct proof_frame_writer writer;
    struct proof_frame header = {.kind = PROOF_FRAME_REQUEST, .counter = (UINT64_C(1700000000) << 32) + 5};
    struct proof_item ask = {.type = PROOF_ITEM_ASK, .ask = {.log = {0xab}, .from = 3, .to = 300, .max_bytes = 70000}};
    struct bytes frame;
    (void)state;
    proof_frame_writer_init(&writer, 4096);
    assert_true(proof_frame_add(&writer, &ask));
    assert_true(proof_frame_finish(&writer, &header, secret, &frame));
    char *text = said(decode_frame, frame, true);
    assert_non_null(strstr(text, "       5        1  kind                       2 (request)\n"));
    assert_non_null(
        strstr(text, "     104        8  counter                    7301444403200000005 (start 1700000000)\n"));
    /* Body at 116: [ [4, bin 32, 3, 300, 70000] ]: type at 118, the log at 119, its 34 bytes on the other numbers. */
    assert_non_null(strstr(text, "     119       34      log id                 ab00000000000000"));
    assert_non_null(strstr(text, "     153        1      from                   3\n"));
    assert_non_null(strstr(text, "     154        3      to                     300\n"));
    assert_non_null(strstr(text, "     157        5      max bytes              70000\n"));
    assert_non_null(strstr(text, "verdict                    valid"));
    free(text);

    uint8_t *bent = malloc(frame.len);
    memcpy(bent, frame.data, frame.len);
    bent[153] = 4; /* `from`: still well-formed, no longer signed */
    text = said(decode_frame, (struct bytes){bent, frame.len}, false);
    assert_non_null(strstr(text, "from                   4\n"));
    assert_non_null(strstr(text, "refused                    signature-wrong"));
    free(text);
    text = said(decode_frame, (struct bytes){bent, 100}, false);
    assert_non_null(strstr(text, "refused"));
    free(text);
    free(bent);
    proof_frame_writer_fini(&writer);
}

static void test_decode__double_vote_names_validator_and_step(void **state)
{
    static const uint8_t address[20] = {0xab}, signature[64] = {1}, low[32] = {1}, high[32] = {2};
    const struct cometbft_single_vote vote = {.type = COMETBFT_PRECOMMIT,
                                              .height = 70000,
                                              .round = 2,
                                              .block_id = {BYTES_OF(low), 1, BYTES_OF(low)},
                                              .time = {1700000000, 1},
                                              .address = BYTES_OF(address),
                                              .signature = BYTES_OF(signature)};
    struct cometbft_double_vote votes = {.a = vote, .b = vote, .power = 10, .total_power = 45, .time = {1700000000, 0}};
    struct codec_writer writer;
    struct codec_pack pack;
    uint8_t bytes[1024];
    (void)state;
    votes.b.block_id.hash = BYTES_OF(high);
    codec_writer_init(&writer, bytes, sizeof bytes);
    cometbft_double_vote_write(&writer, &votes);
    codec_pack_init(&pack, 4096);
    struct connector_message message = {.type = CONNECTOR_OFFENCE,
                                        .offence = {.kind = CONNECTOR_OFFENCE_DOUBLE_VOTE,
                                                    .height = 70000,
                                                    .header = BYTES_OF(low),
                                                    .proof = codec_writer_bytes(&writer)}};
    codec_connector_encode(&pack, &message);
    char *text = said(decode_evidence, codec_pack_bytes(&pack), true);
    assert_non_null(strstr(text, "validator                  ab00000000000000000000000000000000000000\n"));
    assert_non_null(strstr(text, "height 70000, round 2, precommits\n"));
    assert_non_null(strstr(text, "10 of 45\n"));
    free(text);
    message.offence.proof = BYTES_OF(high); /* no votes at all */
    codec_pack_clear(&pack);
    codec_connector_encode(&pack, &message);
    text = said(decode_evidence, codec_pack_bytes(&pack), false);
    assert_non_null(strstr(text, "malformed"));
    free(text);
    codec_pack_fini(&pack);
}

static void test_decode__store_shows_its_rows_and_names_a_damaged_one(void **state)
{
    struct store *store = store_memory_new();
    uint8_t value[256];
    const uint8_t log[32] = {0x11}, other[32] = {0x22}, broken[] = {9, 9};
    struct codec_writer writer;
    struct keys_log row = {.base = 5, .proven = 9, .settled = 5};
    char *text = NULL;
    size_t len = 0;
    (void)state;
    codec_writer_init(&writer, value, sizeof value);
    keys_log_write(&writer, &row);
    struct store_batch *batch = store->ops->batch_new(store);
    store->ops->batch_put(batch, STORE_LOG, (struct store_view){log, 32}, (struct store_view){value, writer.len});
    assert_int_equal(store->ops->commit(store, batch), STORE_OK);

    struct decode_out out = {.stream = open_memstream(&text, &len)};
    assert_true(decode_store(&out, store, "log", 10));
    fclose(out.stream);
    assert_non_null(strstr(text, "log id                     1100000000"));
    assert_non_null(strstr(text, "  proven                   9\n"));
    assert_non_null(strstr(text, "1 rows"));
    free(text);

    store->ops->batch_clear(batch);
    store->ops->batch_put(batch, STORE_LOG, (struct store_view){other, 32}, (struct store_view){broken, sizeof broken});
    assert_int_equal(store->ops->commit(store, batch), STORE_OK);
    struct decode_out json = {.stream = open_memstream(&text, &len), .json = true};
    assert_false(decode_store(&json, store, NULL, 10));
    fclose(json.stream);
    assert_non_null(strstr(text, "\"name\":\"damaged row\",\"value\":\"2200000000"));
    free(text);
    store->ops->batch_free(batch);
    store->ops->close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode__frame_names_every_field_at_its_offset),
        cmocka_unit_test(test_decode__double_vote_names_validator_and_step),
        cmocka_unit_test(test_decode__store_shows_its_rows_and_names_a_damaged_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
