/*
 * Options, read and checked (options.h).
 */
#include "connectors/evm/options.h"

#include <string.h>

#include "connectors/evm/tracker.h"
#include "proofs/codec/hex.h"

/* An amount of wei, of up to 28 digits, kept in gwei: less than one is nothing. */
static void gwei(struct sdk_options *reading, const char *key, struct bytes text, uint64_t *out)
{
    uint64_t value = 0;
    bool good = text.len > 0 && text.len <= 28;
    for (size_t i = 0; i < text.len && good; i++) {
        good = text.data[i] >= '0' && text.data[i] <= '9';
        if (i + 9 < text.len)
            value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = value;
    if (!good)
        sdk_option_wrong(reading, key, "an amount of wei in up to 28 digits is wanted");
}

/* Less than a gwei would be read as 0, which is no cap at all. */
static void spending_cap(struct sdk_options *reading, struct bytes text, uint64_t *out)
{
    gwei(reading, "spending-cap", text, out);
    for (size_t i = 0; i < text.len && *out == 0; i++) {
        if (text.data[i] > '0' && text.data[i] <= '9') {
            sdk_option_wrong(reading, "spending-cap", "0 (none), or at least 1000000000 wei, is wanted");
            return;
        }
    }
}

/* An address: 20 bytes, or 32 with 12 zero bytes before them, as accounts stand in the network document. */
static bool address(struct sdk_options *reading, const char *key, struct bytes text, uint8_t out[20])
{
    uint8_t wide[32];
    size_t len = 0;
    const bool good = codec_hex_decode(wide, &len, sizeof wide, (const char *)text.data, text.len);
    if (good && len == 20) {
        memcpy(out, wide, 20);
        return true;
    }
    if (good && len == 32 && codec_bytes_are_zero(wide, 12)) {
        memcpy(out, wide + 12, 20);
        return true;
    }
    sdk_option_wrong(reading, key, "an address of 40 hexadecimal digits is wanted");
    return false;
}

static void finality(struct sdk_options *reading, struct bytes text, struct evm_options *options)
{
    options->finality_tag = sdk_option_is(text, "finalized") ? "finalized"
                            : sdk_option_is(text, "safe")    ? "safe"
                                                             : NULL;
    if (!options->finality_tag)
        sdk_option_number(reading, "finality-depth", text, 0, EVM_HEADERS_KEPT / 2, &options->finality_depth);
}

static void key_file(struct sdk_options *reading, struct bytes text, struct evm_options *options)
{
    options->has_key = sdk_option_key_file(reading, text, options->key, options->account);
}

static void evidence(struct sdk_options *reading, struct bytes text, enum evm_evidence *out)
{
    if (sdk_option_is(text, "auto"))
        *out = EVM_EVIDENCE_AUTO;
    else if (sdk_option_is(text, "slot"))
        *out = EVM_EVIDENCE_SLOT;
    else if (sdk_option_is(text, "receipts"))
        *out = EVM_EVIDENCE_RECEIPTS;
    else
        sdk_option_wrong(reading, "evidence", "auto, slot or receipts is wanted");
}

static void option(struct sdk_options *reading, struct evm_options *o, struct bytes key, struct bytes value)
{
    if (sdk_option_endpoint(reading, &o->endpoint, key, value))
        return;
    if (sdk_option_is(key, "finality-depth"))
        finality(reading, value, o);
    else if (sdk_option_is(key, "outbox"))
        o->has_outbox = address(reading, "outbox", value, o->outbox);
    else if (sdk_option_is(key, "inbox"))
        o->has_inbox = address(reading, "inbox", value, o->inbox);
    else if (sdk_option_is(key, "registry"))
        address(reading, "registry", value, o->registry);
    else if (sdk_option_is(key, "log-range"))
        sdk_option_number(reading, "log-range", value, 1, 1000000, &o->log_range);
    else if (sdk_option_is(key, "evidence"))
        evidence(reading, value, &o->evidence);
    else if (sdk_option_is(key, "key-file"))
        key_file(reading, value, o);
    else if (sdk_option_is(key, "unlocked"))
        o->unlocked = address(reading, "unlocked", value, o->account);
    else if (sdk_option_is(key, "gas-price-cap"))
        sdk_option_number(reading, "gas-price-cap", value, 1, UINT64_MAX, &o->gas_price_cap);
    else if (sdk_option_is(key, "resubmit-blocks"))
        sdk_option_number(reading, "resubmit-blocks", value, 1, 10000, &o->resubmit_blocks);
    else if (sdk_option_is(key, "tip-cap"))
        sdk_option_number(reading, "tip-cap", value, 0, UINT64_MAX, &o->tip_cap);
    else if (sdk_option_is(key, "spending-cap"))
        spending_cap(reading, value, &o->spending_cap);
    else if (sdk_option_is(key, "spent"))
        gwei(reading, "spent", value, &o->spent);
    else if (sdk_option_is(key, "low-balance"))
        sdk_option_number(reading, "low-balance", value, 0, UINT64_MAX, &o->low_balance);
    else
        sdk_option_unknown(reading, key);
}

static void chain(struct sdk_options *reading, const struct connector_configure *message, uint64_t *id)
{
    const struct bytes prefix = codec_bytes_slice(message->chain, 0, 7);
    if (!sdk_option_is(prefix, "eip155:")) {
        sdk_option_wrong(reading, "chain", "eip155:<number> is wanted");
        return;
    }
    sdk_option_number(reading, "chain", codec_bytes_slice(message->chain, 7, message->chain.len - 7), 1,
                      UINT64_MAX >> 1, id);
}

bool evm_options_read(struct evm_options *options, const struct connector_configure *message, char *text, size_t cap)
{
    *options = (struct evm_options){
        .finality_depth = 64,
        .endpoint = {.poll_ms = 1000, .timeout_ms = 20000, .max_response = 32 << 20, .give_up_blocks = 200},
        .log_range = 2000,
        .gas_price_cap = 500000000000,
        .tip_cap = 50000000000,
        .resubmit_blocks = 4,
    };
    memcpy(options->genesis, message->genesis, 32);
    struct sdk_options reading;
    if (!sdk_options_begin(&reading, text, cap))
        return false;
    chain(&reading, message, &options->chain_id);
    for (size_t i = 0; i < message->options_len; i++)
        option(&reading, options, message->options[i].key, message->options[i].value);
    if (!options->endpoint.http[0])
        sdk_option_wrong(&reading, "http", "is missing: the URL of the node's JSON-RPC");
    if (!options->has_outbox && !options->has_inbox)
        sdk_option_wrong(&reading, "outbox, inbox", "at least one address is wanted");
    if (options->has_key && options->unlocked)
        sdk_option_wrong(&reading, "key-file, unlocked", "only one of them");
    return sdk_options_end(&reading);
}

void evm_options_wipe(struct evm_options *options)
{
    explicit_bzero(options->key, sizeof options->key);
}
