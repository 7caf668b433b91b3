/*
 * Options, read and checked (options.h).
 */
#include "connectors/evm/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/evm/tracker.h"
#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/secp256k1.h"

struct reading {
    struct evm_options *options;
    FILE *wrong; /* collects what is wrong, one phrase each */
    size_t count;
};

static void wrong(struct reading *reading, const char *key, const char *what)
{
    fprintf(reading->wrong, "%s%s: %s", reading->count ? "; " : "", key, what);
    reading->count++;
}

static bool is(struct bytes text, const char *word)
{
    return text.len == strlen(word) && (text.len == 0 || memcmp(text.data, word, text.len) == 0);
}

/* A decimal number of min … max. */
static void number(struct reading *reading, const char *key, struct bytes text, uint64_t min, uint64_t max,
                   uint64_t *out)
{
    char what[96];
    uint64_t value = 0;
    bool good = text.len > 0 && text.len <= 19;
    for (size_t i = 0; i < text.len && good; i++) {
        good = text.data[i] >= '0' && text.data[i] <= '9';
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (good && value >= min && value <= max) {
        *out = value;
        return;
    }
    snprintf(what, sizeof what, "a number of %llu to %llu is wanted", (unsigned long long)min, (unsigned long long)max);
    wrong(reading, key, what);
}

/* An amount of wei, of up to 28 digits, kept in gwei: less than one is nothing. */
static void gwei(struct reading *reading, const char *key, struct bytes text, uint64_t *out)
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
        wrong(reading, key, "an amount of wei in up to 28 digits is wanted");
}

/* Less than a gwei would be read as 0, which is no cap at all. */
static void spending_cap(struct reading *reading, struct bytes text, uint64_t *out)
{
    gwei(reading, "spending-cap", text, out);
    for (size_t i = 0; i < text.len && *out == 0; i++) {
        if (text.data[i] > '0' && text.data[i] <= '9') {
            wrong(reading, "spending-cap", "0 (none), or at least 1000000000 wei, is wanted");
            return;
        }
    }
}

/* An address: 20 bytes, or 32 with 12 zero bytes before them, as accounts stand in the network document. */
static bool address(struct reading *reading, const char *key, struct bytes text, uint8_t out[20])
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
    wrong(reading, key, "an address of 40 hexadecimal digits is wanted");
    return false;
}

static void url(struct reading *reading, const char *key, struct bytes text, const char *scheme, char out[EVM_URL_MAX])
{
    if (text.len >= EVM_URL_MAX || text.len <= strlen(scheme) || memcmp(text.data, scheme, strlen(scheme)) != 0) {
        char what[96];
        snprintf(what, sizeof what, "an URL that begins with %s, of less than %d characters, is wanted", scheme,
                 EVM_URL_MAX);
        wrong(reading, key, what);
        return;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static void finality(struct reading *reading, struct bytes text)
{
    struct evm_options *options = reading->options;
    options->finality_tag = is(text, "finalized") ? "finalized" : is(text, "safe") ? "safe" : NULL;
    if (!options->finality_tag)
        number(reading, "finality-depth", text, 0, EVM_HEADERS_KEPT / 2, &options->finality_depth);
}

/* The file holds 64 hexadecimal digits and perhaps an end of line, and nobody else may read it. */
static void key_file(struct reading *reading, struct bytes text)
{
    struct evm_options *options = reading->options;
    char path[CODEC_CONNECTOR_TEXT_MAX + 1], digits[80];
    uint8_t point[64], hash[32];
    struct stat info;
    memcpy(path, text.data, text.len);
    path[text.len] = '\0';
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const bool safe = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 077) == 0;
    ssize_t len = safe ? read(fd, digits, sizeof digits) : 0;
    if (fd >= 0)
        close(fd);
    if (!safe) {
        wrong(reading, "key-file", fd < 0 ? "cannot be opened" : "others may read it: chmod 600");
        return;
    }
    while (len > 0 && (digits[len - 1] == '\n' || digits[len - 1] == '\r'))
        len--;
    if (len <= 0 || !codec_hex_decode_exact(options->key, 32, digits, (size_t)len) ||
        !codec_secp256k1_public(point, options->key)) {
        wrong(reading, "key-file", "32 bytes of a secret key in hexadecimal are wanted");
    } else {
        codec_keccak256(hash, BYTES_OF(point));
        memcpy(options->account, hash + 12, 20);
        options->has_key = true;
    }
    explicit_bzero(digits, sizeof digits);
}

static void evidence(struct reading *reading, struct bytes text)
{
    if (is(text, "auto"))
        reading->options->evidence = EVM_EVIDENCE_AUTO;
    else if (is(text, "slot"))
        reading->options->evidence = EVM_EVIDENCE_SLOT;
    else if (is(text, "receipts"))
        reading->options->evidence = EVM_EVIDENCE_RECEIPTS;
    else
        wrong(reading, "evidence", "auto, slot or receipts is wanted");
}

static void option(struct reading *reading, struct bytes key, struct bytes value)
{
    struct evm_options *o = reading->options;
    if (is(key, "http"))
        url(reading, "http", value, "http", o->http);
    else if (is(key, "ws"))
        url(reading, "ws", value, "ws://", o->ws);
    else if (is(key, "finality-depth"))
        finality(reading, value);
    else if (is(key, "outbox"))
        o->has_outbox = address(reading, "outbox", value, o->outbox);
    else if (is(key, "inbox"))
        o->has_inbox = address(reading, "inbox", value, o->inbox);
    else if (is(key, "registry"))
        address(reading, "registry", value, o->registry);
    else if (is(key, "poll-ms"))
        number(reading, "poll-ms", value, 10, 600000, &o->poll_ms);
    else if (is(key, "timeout-ms"))
        number(reading, "timeout-ms", value, 100, 120000, &o->timeout_ms);
    else if (is(key, "max-response"))
        number(reading, "max-response", value, 1 << 16, 256 << 20, &o->max_response);
    else if (is(key, "log-range"))
        number(reading, "log-range", value, 1, 1000000, &o->log_range);
    else if (is(key, "evidence"))
        evidence(reading, value);
    else if (is(key, "key-file"))
        key_file(reading, value);
    else if (is(key, "unlocked"))
        o->unlocked = address(reading, "unlocked", value, o->account);
    else if (is(key, "gas-price-cap"))
        number(reading, "gas-price-cap", value, 1, UINT64_MAX, &o->gas_price_cap);
    else if (is(key, "resubmit-blocks"))
        number(reading, "resubmit-blocks", value, 1, 10000, &o->resubmit_blocks);
    else if (is(key, "give-up-blocks"))
        number(reading, "give-up-blocks", value, 2, 100000, &o->give_up_blocks);
    else if (is(key, "tip-cap"))
        number(reading, "tip-cap", value, 0, UINT64_MAX, &o->tip_cap);
    else if (is(key, "spending-cap"))
        spending_cap(reading, value, &o->spending_cap);
    else if (is(key, "spent"))
        gwei(reading, "spent", value, &o->spent);
    else if (is(key, "low-balance"))
        number(reading, "low-balance", value, 0, UINT64_MAX, &o->low_balance);
    else {
        char name[80];
        snprintf(name, sizeof name, "%.*s", (int)(key.len < 64 ? key.len : 64), (const char *)key.data);
        wrong(reading, name, "no such option");
    }
}

static void chain(struct reading *reading, const struct connector_configure *message)
{
    const struct bytes prefix = codec_bytes_slice(message->chain, 0, 7);
    if (!is(prefix, "eip155:")) {
        wrong(reading, "chain", "eip155:<number> is wanted");
        return;
    }
    number(reading, "chain", codec_bytes_slice(message->chain, 7, message->chain.len - 7), 1, UINT64_MAX >> 1,
           &reading->options->chain_id);
}

bool evm_options_read(struct evm_options *options, const struct connector_configure *message, char *text, size_t cap)
{
    *options = (struct evm_options){
        .finality_depth = 64,
        .poll_ms = 1000,
        .timeout_ms = 20000,
        .max_response = 32 << 20,
        .log_range = 2000,
        .gas_price_cap = 500000000000,
        .tip_cap = 50000000000,
        .resubmit_blocks = 4,
        .give_up_blocks = 200,
    };
    memcpy(options->genesis, message->genesis, 32);
    struct reading reading = {.options = options, .wrong = fmemopen(text, cap, "w")};
    if (!reading.wrong)
        return false;
    chain(&reading, message);
    for (size_t i = 0; i < message->options_len; i++)
        option(&reading, message->options[i].key, message->options[i].value);
    if (!options->http[0])
        wrong(&reading, "http", "is missing: the URL of the node's JSON-RPC");
    if (!options->has_outbox && !options->has_inbox)
        wrong(&reading, "outbox, inbox", "at least one address is wanted");
    if (options->has_key && options->unlocked)
        wrong(&reading, "key-file, unlocked", "only one of them");
    fclose(reading.wrong);
    text[cap - 1] = '\0';
    return reading.count == 0;
}

void evm_options_wipe(struct evm_options *options)
{
    explicit_bzero(options->key, sizeof options->key);
}
