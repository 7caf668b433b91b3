/*
 * Options, read and checked (options.h).
 */
#include "connectors/cometbft/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/secp256k1.h"

struct reading {
    struct cometbft_options *options;
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

static void number(struct reading *reading, const char *key, struct bytes text, uint64_t min, uint64_t max,
                   uint64_t *out)
{
    char what[96];
    uint64_t value = 0;
    bool good = text.len > 0 && text.len <= 18;
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

static bool account(struct reading *reading, const char *key, struct bytes text, uint8_t out[32])
{
    if (codec_hex_decode_exact(out, 32, (const char *)text.data, text.len))
        return true;
    wrong(reading, key, "an account of 64 hexadecimal digits is wanted");
    return false;
}

static void url(struct reading *reading, const char *key, struct bytes text, const char *scheme,
                char out[COMETBFT_URL_MAX])
{
    if (text.len >= COMETBFT_URL_MAX || text.len <= strlen(scheme) || memcmp(text.data, scheme, strlen(scheme)) != 0) {
        char what[96];
        snprintf(what, sizeof what, "an URL that begins with %s, of less than %d characters, is wanted", scheme,
                 COMETBFT_URL_MAX);
        wrong(reading, key, what);
        return;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

/* The file holds 64 hexadecimal digits and perhaps an end of line, and nobody else may read it. */
static void key_file(struct reading *reading, struct bytes text)
{
    struct cometbft_options *options = reading->options;
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
        memcpy(options->account + 12, hash + 12, 20);
        options->has_key = true;
    }
    explicit_bzero(digits, sizeof digits);
}

static void option(struct reading *reading, struct bytes key, struct bytes value)
{
    struct cometbft_options *o = reading->options;
    uint8_t unused[32];
    if (is(key, "http"))
        url(reading, "http", value, "http", o->http);
    else if (is(key, "ws"))
        url(reading, "ws", value, "ws://", o->ws);
    else if (is(key, "outbox"))
        o->has_outbox = account(reading, "outbox", value, o->outbox);
    else if (is(key, "inbox"))
        o->has_inbox = account(reading, "inbox", value, o->inbox);
    else if (is(key, "registry"))
        account(reading, "registry", value, unused);
    else if (is(key, "finality-depth")) /* a block is final when it is there; the network document says so by 0 */
        number(reading, "finality-depth", value, 0, 0, &(uint64_t){0});
    else if (is(key, "poll-ms"))
        number(reading, "poll-ms", value, 10, 600000, &o->poll_ms);
    else if (is(key, "timeout-ms"))
        number(reading, "timeout-ms", value, 100, 120000, &o->timeout_ms);
    else if (is(key, "max-response"))
        number(reading, "max-response", value, 1 << 16, 256 << 20, &o->max_response);
    else if (is(key, "give-up-blocks"))
        number(reading, "give-up-blocks", value, 2, 100000, &o->give_up_blocks);
    else if (is(key, "key-file"))
        key_file(reading, value);
    else {
        char name[80];
        snprintf(name, sizeof name, "%.*s", (int)(key.len < 64 ? key.len : 64), (const char *)key.data);
        wrong(reading, name, "no such option");
    }
}

/* docs/formats.md section 2: H(tag, u8 length || CAIP-2 id || b32 genesis). */
static void chain(struct reading *reading, const struct connector_configure *message)
{
    static const uint8_t tag[16] = "isthmus/chain\0\0\1";
    struct cometbft_options *o = reading->options;
    const size_t prefix = strlen("cosmos:");
    const size_t len = message->chain.len - prefix;
    if (message->chain.len <= prefix || memcmp(message->chain.data, "cosmos:", prefix) != 0 ||
        len > COMETBFT_REFERENCE_MAX) {
        wrong(reading, "chain", "cosmos:<chain id of 1 to 32 characters> is wanted");
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
    *options =
        (struct cometbft_options){.poll_ms = 1000, .timeout_ms = 20000, .max_response = 32 << 20, .give_up_blocks = 60};
    struct reading reading = {.options = options, .wrong = fmemopen(text, cap, "w")};
    if (!reading.wrong)
        return false;
    chain(&reading, message);
    for (size_t i = 0; i < message->options_len; i++)
        option(&reading, message->options[i].key, message->options[i].value);
    if (!options->http[0])
        wrong(&reading, "http", "is missing: the URL of the node's RPC");
    if (!options->has_outbox && !options->has_inbox)
        wrong(&reading, "outbox, inbox", "at least one account is wanted");
    fclose(reading.wrong);
    text[cap - 1] = '\0';
    return reading.count == 0;
}

void cometbft_options_wipe(struct cometbft_options *options)
{
    explicit_bzero(options->key, sizeof options->key);
}
