/*
 * Options, read and checked (options.h).
 */
#include "connectors/cometbft/options.h"

#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"

static bool account(struct sdk_options *reading, const char *key, struct bytes text, uint8_t out[32])
{
    if (codec_hex_decode_exact(out, 32, (const char *)text.data, text.len))
        return true;
    sdk_option_wrong(reading, key, "an account of 64 hexadecimal digits is wanted");
    return false;
}

/* A name as the network document has it; empty: none. */
static void store(struct sdk_options *reading, struct bytes text, struct cometbft_options *o)
{
    bool good = text.len <= COMETBFT_STORE_MAX;
    for (size_t i = 0; good && i < text.len; i++)
        good = (text.data[i] >= 'a' && text.data[i] <= 'z') || (text.data[i] >= '0' && text.data[i] <= '9') ||
               text.data[i] == '-';
    if (!good) {
        sdk_option_wrong(reading, "store", "a name of at most 32 of a-z 0-9 - is wanted");
        return;
    }
    snprintf(o->store, sizeof o->store, "%.*s", (int)text.len, (const char *)text.data);
    if (text.len > 0)
        snprintf(o->path, sizeof o->path, "/store/%s/key", o->store);
}

static void option(struct sdk_options *reading, struct cometbft_options *o, struct bytes key, struct bytes value)
{
    uint8_t unused[32];
    if (sdk_option_endpoint(reading, &o->endpoint, key, value))
        return;
    if (sdk_option_is(key, "outbox"))
        o->has_outbox = account(reading, "outbox", value, o->outbox);
    else if (sdk_option_is(key, "inbox"))
        o->has_inbox = account(reading, "inbox", value, o->inbox);
    else if (sdk_option_is(key, "registry"))
        account(reading, "registry", value, unused);
    else if (sdk_option_is(key, "store"))
        store(reading, value, o);
    else if (sdk_option_is(key, "finality-depth")) /* final when it is there; the network document says so by 0 */
        sdk_option_number(reading, "finality-depth", value, 0, 0, &(uint64_t){0});
    else if (sdk_option_is(key, "key-file"))
        o->has_key = sdk_option_key_file(reading, value, o->key, o->account + 12);
    else
        sdk_option_unknown(reading, key);
}

/* docs/formats.md section 2: H(tag, u8 length || CAIP-2 id || b32 genesis). */
static void chain(struct sdk_options *reading, const struct connector_configure *message, struct cometbft_options *o)
{
    static const uint8_t tag[16] = "isthmus/chain\0\0\1";
    const size_t prefix = strlen("cosmos:");
    const size_t len = message->chain.len - prefix;
    if (message->chain.len <= prefix || memcmp(message->chain.data, "cosmos:", prefix) != 0 ||
        len > COMETBFT_REFERENCE_MAX) {
        sdk_option_wrong(reading, "chain", "cosmos:<chain id of 1 to 32 characters> is wanted");
        return;
    }
    memcpy(o->chain_id, message->chain.data + prefix, len);
    memcpy(o->genesis, message->genesis, 32);
    const uint8_t caip2_len = (uint8_t)message->chain.len;
    struct codec_keccak256 hash;
    codec_keccak256_init(&hash);
    codec_keccak256_update(&hash, BYTES_OF(tag));
    codec_keccak256_update(&hash, (struct bytes){&caip2_len, 1});
    codec_keccak256_update(&hash, message->chain);
    codec_keccak256_update(&hash, BYTES_OF(o->genesis));
    codec_keccak256_final(o->chain, &hash);
}

bool cometbft_options_read(struct cometbft_options *options, const struct connector_configure *message, char *text,
                           size_t cap)
{
    struct sdk_options reading;
    *options = (struct cometbft_options){
        .path = "/store",
        .endpoint = {.poll_ms = 1000, .timeout_ms = 20000, .max_response = 32 << 20, .give_up_blocks = 60}};
    if (!sdk_options_begin(&reading, text, cap))
        return false;
    chain(&reading, message, options);
    for (size_t i = 0; i < message->options_len; i++)
        option(&reading, options, message->options[i].key, message->options[i].value);
    if (!options->endpoint.http[0])
        sdk_option_wrong(&reading, "http", "is missing: the URL of the node's RPC");
    if (!options->has_outbox && !options->has_inbox)
        sdk_option_wrong(&reading, "outbox, inbox", "at least one account is wanted");
    return sdk_options_end(&reading);
}

void cometbft_options_wipe(struct cometbft_options *options)
{
    explicit_bzero(options->key, sizeof options->key);
}
