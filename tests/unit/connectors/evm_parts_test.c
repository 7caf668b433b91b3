/* The EVM connector's parts that need no node: events, calls, errors, options, the handshake, answers read strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "connectors/evm/abi.h"
#include "connectors/evm/calldata.h"
#include "connectors/evm/options.h"
#include "connectors/evm/parse.h"
#include "connectors/evm/spend.h"
#include "connectors/evm/tx.h"
#include "connectors/sdk/json.h"
#include "connectors/sdk/position.h"
#include "connectors/sdk/record.h"
#include "connectors/sdk/ws.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/secp256k1.h"

#define TEXT(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

enum { RECORD_BYTES = 91 + 32 + 5 };

/* A message record with one suite and a payload of 5 bytes. */
static void make_record(uint8_t out[RECORD_BYTES])
{
    memset(out, 0, RECORD_BYTES);
    out[7] = 9;
    out[53] = 1;
    memset(out + 54, 0xcc, 32);
    out[86] = 1;
    out[122] = 5;
    memcpy(out + 123, "hello", 5);
}

static void a_record_ends_where_its_fields_say(void **state)
{
    (void)state;
    uint8_t record[RECORD_BYTES + 10] = {0};
    make_record(record);
    assert_int_equal(sdk_record_size(CONNECTOR_LOG_MESSAGE, BYTES_OF(record)), RECORD_BYTES);
    for (size_t len = 0; len < RECORD_BYTES; len++)
        assert_int_equal(sdk_record_size(CONNECTOR_LOG_MESSAGE, (struct bytes){record, len}), 0);
    record[53] = 0x11; /* a suite that does not exist */
    assert_int_equal(sdk_record_size(CONNECTOR_LOG_MESSAGE, BYTES_OF(record)), 0);
    assert_int_equal(sdk_record_size(CONNECTOR_LOG_OUTCOME, (struct bytes){record, 44}), 0);
    assert_int_equal(sdk_record_size(CONNECTOR_LOG_OUTCOME, (struct bytes){record, 90}), 45);
    assert_int_equal(sdk_record_size(CONNECTOR_LOG_SETTLEMENT, (struct bytes){record, 90}), 0);
}

/* The log of a Message event with this record. */
static void make_event(struct eth_log *log, uint8_t data[32 * 8], struct bytes record)
{
    memset(data, 0, 32 * 8);
    memset(data, 0xaa, 32);
    data[63] = 64;
    data[95] = (uint8_t)record.len;
    memcpy(data + 96, record.data, record.len);
    *log = (struct eth_log){.topic_count = 3, .data = {data, 96 + (record.len + 31) / 32 * 32}};
    log->topics[2][31] = 7;
}

static void an_event_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    struct eth_log log;
    struct evm_event event;
    uint8_t data[32 * 8], record[RECORD_BYTES];
    make_record(record);
    make_event(&log, data, BYTES_OF(record));
    assert_true(evm_abi_event(&event, CONNECTOR_LOG_MESSAGE, &log));
    assert_int_equal(event.from, 7);
    assert_int_equal(event.running[0], 0xaa);
    assert_true(codec_bytes_equal(event.records, BYTES_OF(record)));
    const size_t whole = log.data.len;
    for (log.data.len = 0; log.data.len < whole; log.data.len++)
        assert_false(evm_abi_event(&event, CONNECTOR_LOG_MESSAGE, &log));
    log.data.len = whole;
    data[63] = 65; /* another offset */
    assert_false(evm_abi_event(&event, CONNECTOR_LOG_MESSAGE, &log));
    data[63] = 64;
    data[70] = 1; /* a length beyond 2^64 */
    assert_false(evm_abi_event(&event, CONNECTOR_LOG_MESSAGE, &log));
    data[70] = 0;
    log.topics[2][3] = 1; /* a number beyond 2^64 */
    assert_false(evm_abi_event(&event, CONNECTOR_LOG_MESSAGE, &log));
    log.topics[2][3] = 0;
    log.topics[2][31] = 0; /* number 0 */
    assert_false(evm_abi_event(&event, CONNECTOR_LOG_MESSAGE, &log));
    log.topic_count = 2;
    assert_false(evm_abi_event(&event, CONNECTOR_LOG_MESSAGE, &log));
}

static void submissions_that_make_no_sense_are_refused_here(void **state)
{
    (void)state;
    uint8_t record[RECORD_BYTES], fields[72] = {0}, signature[64] = {1};
    make_record(record);
    fields[39] = 4; /* the head is at 4 */
    struct connector_attestation one = {{NULL, 0}, BYTES_OF(signature)};
    struct connector_submit submit = {.action = CONNECTOR_DELIVER,
                                      .certificate = {true, 1, 1, BYTES_OF(fields), &one, 1},
                                      .from = 4,
                                      .count = 1,
                                      .records = BYTES_OF(record)};
    const char *wrong = NULL;
    size_t len = 0;
    uint8_t *data = evm_call_submission(&len, &submit, false, &wrong);
    assert_non_null(data);
    assert_int_equal(len % 32, 4);
    assert_int_equal(evm_call_goal(&submit), 4);
    free(data);
    submit.from = 3; /* does not end at the head */
    assert_null(evm_call_submission(&len, &submit, false, &wrong));
    submit.from = 4;
    submit.records.len--;
    assert_null(evm_call_submission(&len, &submit, false, &wrong));
    submit.records.len++;
    submit.action = CONNECTOR_SETTLE; /* message records are no outcome records */
    assert_null(evm_call_submission(&len, &submit, true, &wrong));
    submit.action = CONNECTOR_DELIVER;
    one.signature.len = 63;
    assert_null(evm_call_submission(&len, &submit, false, &wrong));
    one.signature.len = 64;
    submit.certificate.fields.len = 71;
    assert_null(evm_call_submission(&len, &submit, false, &wrong));
    submit.certificate.present = false;
    assert_null(evm_call_submission(&len, &submit, false, &wrong));
    assert_non_null(wrong);
}

static void a_revert_is_told_by_name(void **state)
{
    (void)state;
    uint8_t data[4 + 96] = {0}, hash[32];
    char text[120];
    codec_keccak256(hash, TEXT("ItemsGap(uint64,uint64)"));
    memcpy(data, hash, 4);
    data[35] = 1;
    data[67] = 9;
    evm_abi_error(text, sizeof text, (struct bytes){data, 68});
    assert_string_equal(text, "ItemsGap(1, 9)");
    codec_keccak256(hash, TEXT("Error(string)"));
    memcpy(data, hash, 4);
    memset(data + 4, 0, 96);
    data[35] = 32;
    data[67] = 3;
    memcpy(data + 68, "no\n", 3);
    evm_abi_error(text, sizeof text, BYTES_OF(data));
    assert_string_equal(text, "reverted: no");
    memset(data, 0xee, 4);
    evm_abi_error(text, sizeof text, BYTES_OF(data));
    assert_string_equal(text, "reverted with 0xeeeeeeee");
    evm_abi_error(text, sizeof text, (struct bytes){NULL, 0});
    assert_string_equal(text, "reverted");
    evm_abi_error(text, 8, BYTES_OF(data));
    assert_true(strlen(text) < 8);
}

static void the_handshake_answers_as_in_the_rfc(void **state)
{
    (void)state;
    char accept[29];
    sdk_ws_accept(accept, "dGhlIHNhbXBsZSBub25jZQ==");
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/* The sender that a node recovers from the signature is the key's. */
static void a_transaction_is_signed_by_its_account(void **state)
{
    (void)state;
    uint8_t key[32] = {1, 2, 3}, hash[32], point[64], recovered[64], payload[300] = {7}, signature[64], digest[32];
    struct evm_tx tx = {31337, 0, 1, 300, 21000, {9}, BYTES_OF(payload)};
    size_t len = 0;
    uint8_t *raw = evm_tx_sign(&len, hash, &tx, key);
    assert_non_null(raw);
    assert_true(codec_secp256k1_public(point, key));
    /* 0x02, list header of 3 bytes, fields, parity (0x01 or 0x80), r and s with a length byte each */
    assert_int_equal(raw[0], 2);
    memcpy(signature, raw + len - 65, 32);
    memcpy(signature + 32, raw + len - 32, 32);
    const int parity = raw[len - 67] == 1;
    const size_t body = len - 4 - 67;
    uint8_t unsigned_tx[512] = {2, 0xf9, (uint8_t)(body >> 8), (uint8_t)body};
    memcpy(unsigned_tx + 4, raw + 4, body);
    codec_keccak256(digest, (struct bytes){unsigned_tx, 4 + body});
    assert_true(codec_secp256k1_recover(recovered, digest, signature, parity));
    assert_memory_equal(point, recovered, 64);
    free(raw);
}

static bool read_options(struct evm_options *options, char *text, const char *const (*pairs)[2], size_t count)
{
    struct connector_option list[16];
    for (size_t i = 0; i < count; i++)
        list[i] = (struct connector_option){codec_connector_text(pairs[i][0]), codec_connector_text(pairs[i][1])};
    const struct connector_configure message = {1, TEXT("eip155:31337"), {0}, list, count};
    return evm_options_read(options, &message, text, CODEC_CONNECTOR_TEXT_MAX);
}

static void options_are_read_and_every_wrong_one_named(void **state)
{
    (void)state;
    struct evm_options options;
    char text[CODEC_CONNECTOR_TEXT_MAX];
    const char *const good[][2] = {{"http", "http://127.0.0.1:1"},
                                   {"finality-depth", "finalized"},
                                   {"outbox", "0x00000000000000000000000011111111111111111111111111111111111111aa"}};
    assert_true(read_options(&options, text, good, 3));
    assert_string_equal(options.finality_tag, "finalized");
    assert_int_equal(options.outbox[19], 0xaa);
    assert_int_equal(options.chain_id, 31337);
    const char *const bad[][2] = {{"http", "ftp://x"},  {"ws", "wss://x"},        {"finality-depth", "513"},
                                  {"poll-ms", "1e3"},   {"log-range", ""},        {"inbox", "0x12"},
                                  {"evidence", "none"}, {"key-file", "/nowhere"}, {"max-response", "-1"}};
    assert_false(read_options(&options, text, bad, 9));
    for (size_t i = 0; i < 9; i++)
        assert_non_null(strstr(text, bad[i][0]));
}

static void amounts_of_wei_are_kept_in_gwei(void **state)
{
    (void)state;
    struct evm_options options;
    char text[CODEC_CONNECTOR_TEXT_MAX];
    const char *pairs[][2] = {{"http", "http://127.0.0.1:1"},
                              {"inbox", "11111111111111111111111111111111111111aa"},
                              {"spending-cap", "1234567890123456789012345678"},
                              {"spent", "999999999"}};
    assert_true(read_options(&options, text, (const char *const(*)[2])pairs, 4));
    assert_int_equal(options.spending_cap, 1234567890123456789);
    assert_int_equal(options.spent, 0);
    const char *const bad[] = {"", "-1", "1e18", "12345678901234567890123456789", "1", "999999999"};
    pairs[2][1] = "0";
    assert_true(read_options(&options, text, (const char *const(*)[2])pairs, 4)); /* none, and said so */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pairs[2][1] = bad[i];
        assert_false(read_options(&options, text, (const char *const(*)[2])pairs, 4));
        assert_non_null(strstr(text, "spending-cap"));
    }
}

static void what_was_spent_is_forgotten_after_24_hours(void **state)
{
    (void)state;
    const uint64_t hour = 3600000, start = 1000 * hour + 7;
    struct evm_spend spend = {0};
    char text[32];
    evm_spend_add(&spend, start, 5);
    evm_spend_add(&spend, start + hour, 7);
    assert_int_equal(evm_spend_sum(&spend, start + hour), 12);
    assert_int_equal(evm_spend_sum(&spend, start + 23 * hour), 12);
    assert_int_equal(evm_spend_sum(&spend, start + 24 * hour), 7);
    assert_int_equal(evm_spend_sum(&spend, start + 25 * hour), 0);
    evm_spend_add(&spend, start + 500 * hour, UINT64_MAX);
    evm_spend_add(&spend, start + 501 * hour, 1);
    assert_int_equal(evm_spend_sum(&spend, start + 501 * hour), UINT64_MAX);
    assert_int_equal(evm_spend_sum(&spend, start + 5000 * hour), 0);
    assert_int_equal(evm_spend_cost(21000, 1), 1); /* rounded up */
    assert_int_equal(evm_spend_cost(21000, 30000000000), 630000);
    assert_int_equal(evm_spend_cost(21000, 1999999999), 42000);
    assert_int_equal(evm_spend_cost(UINT64_MAX, 1), UINT64_MAX);
    assert_int_equal(evm_spend_cost(1ull << 33, UINT64_MAX), UINT64_MAX);
    evm_spend_text(text, 12);
    assert_string_equal(text, "12000000000");
    evm_spend_text(text, 0);
    assert_string_equal(text, "0");
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct evm_options options;
    char text[CODEC_CONNECTOR_TEXT_MAX], path[] = "/tmp/isthmus_key_XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char digits[] = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n";
    assert_int_equal(write(fd, digits, sizeof digits - 1), sizeof digits - 1);
    close(fd);
    const char *const pairs[][2] = {
        {"http", "http://x"}, {"outbox", "11111111111111111111111111111111111111aa"}, {"key-file", path}};
    assert_true(read_options(&options, text, pairs, 3));
    uint8_t account[20];
    const char address[] = "f39fd6e51aad88f6f4ce6ab8827279cfffb92266";
    assert_true(codec_hex_decode_exact(account, 20, address, 40));
    assert_memory_equal(options.account, account, 20);
    chmod(path, 0640);
    assert_false(read_options(&options, text, pairs, 3));
    assert_non_null(strstr(text, "chmod 600"));
    unlink(path);
}

static void quantities_and_data_are_read_strictly(void **state)
{
    (void)state;
    char text[100];
    struct sdk_arena arena = {0};
    struct bytes data;
    uint64_t number = 0;
    uint8_t wide[32];
    struct sdk_json *root = sdk_json_parse(
        TEXT("[\"0x10\",\"0x\",\"0x010\",\"10\",\"0x1\\u0000\",7,null,\"0x0102\",\"0x00ff\"]"), text, 100);
    assert_non_null(root);
    assert_true(sdk_json_u64(&number, sdk_json_element(root, 0)));
    assert_int_equal(number, 16);
    for (size_t i = 1; i < 7; i++)
        assert_false(sdk_json_u64(&number, sdk_json_element(root, i)));
    assert_false(sdk_json_u64(&number, sdk_json_element(root, 99)));
    assert_true(sdk_json_bytes(&data, sdk_json_element(root, 7), &arena));
    assert_int_equal(data.len, 2);
    assert_true(sdk_json_bytes(&data, sdk_json_element(root, 1), &arena));
    assert_int_equal(data.len, 0);
    assert_false(sdk_json_bytes(&data, sdk_json_element(root, 2), &arena));
    assert_false(sdk_json_bytes(&data, sdk_json_element(root, 4), &arena));
    assert_true(sdk_json_u256(wide, sdk_json_element(root, 8)));
    assert_int_equal(wide[31], 0xff);
    sdk_json_free(root);
    sdk_arena_fini(&arena);
    assert_null(sdk_json_parse(TEXT("{\"a\":1,\"a\":2}"), text, sizeof text));
    assert_null(sdk_json_parse(TEXT("{} {}"), text, sizeof text));
}

enum { LANES = 5, AT_ONCE = 2 };

/* A chain whose blocks come faster than its node answers: each answer, which says nothing, finds all positions stale again. */
struct fast_chain {
    struct sdk_positions positions;
    unsigned asked[LANES];
};

static bool always_ready(void *context)
{
    (void)context;
    return true;
}

static const char *refuse_none(void *context, enum connector_log_kind kind)
{
    (void)context;
    (void)kind;
    return NULL;
}

static void answer_nothing(void *context, struct sdk_position_batch *batch)
{
    struct fast_chain *chain = context;
    for (size_t i = 0; i < batch->len; i++) {
        struct sdk_position *position = sdk_position_find(&chain->positions, batch->serials[i]);
        chain->asked[position->id]++;
        sdk_position_unread(position);
    }
    free(batch);
}

static void no_position_waits_for_ever_where_blocks_come_fast(void **state)
{
    (void)state;
    struct fast_chain chain = {0};
    const struct sdk_position_chain config = {
        .batch_max = AT_ONCE, .context = &chain, .ready = always_ready, .refuse = refuse_none, .ask = answer_nothing};
    sdk_positions_init(&chain.positions, &config);
    for (uint32_t i = 0; i < LANES; i++)
        sdk_positions_watch(&chain.positions, &(struct connector_position){.watch = i, .kind = CONNECTOR_LOG_MESSAGE});
    memset(chain.asked, 0, sizeof chain.asked);
    for (size_t block = 0; block < LANES; block++) {
        sdk_positions_stale(&chain.positions);
        sdk_positions_pump(&chain.positions);
    }
    for (size_t i = 0; i < LANES; i++)
        assert_int_equal(chain.asked[i], AT_ONCE);
    sdk_positions_fini(&chain.positions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_ends_where_its_fields_say),
        cmocka_unit_test(an_event_is_read_whole_or_not_at_all),
        cmocka_unit_test(submissions_that_make_no_sense_are_refused_here),
        cmocka_unit_test(a_revert_is_told_by_name),
        cmocka_unit_test(the_handshake_answers_as_in_the_rfc),
        cmocka_unit_test(a_transaction_is_signed_by_its_account),
        cmocka_unit_test(options_are_read_and_every_wrong_one_named),
        cmocka_unit_test(a_key_that_others_may_read_is_refused),
        cmocka_unit_test(amounts_of_wei_are_kept_in_gwei),
        cmocka_unit_test(what_was_spent_is_forgotten_after_24_hours),
        cmocka_unit_test(quantities_and_data_are_read_strictly),
        cmocka_unit_test(no_position_waits_for_ever_where_blocks_come_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
