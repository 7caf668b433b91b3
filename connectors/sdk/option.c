/*
 * Options, read and checked (option.h).
 */
#include "connectors/sdk/option.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"
#include "proofs/codec/secp256k1.h"

bool sdk_options_begin(struct sdk_options *options, char *text, size_t cap)
{
    text[0] = text[cap - 1] = '\0';
    *options = (struct sdk_options){.wrong = fmemopen(text, cap - 1, "w")};
    return options->wrong != NULL;
}

bool sdk_options_end(struct sdk_options *options)
{
    fclose(options->wrong);
    return options->count == 0;
}

void sdk_option_wrong(struct sdk_options *options, const char *key, const char *what)
{
    fprintf(options->wrong, "%s%s: %s", options->count ? "; " : "", key, what);
    options->count++;
}

void sdk_option_unknown(struct sdk_options *options, struct bytes key)
{
    char name[80];
    snprintf(name, sizeof name, "%.*s", (int)(key.len < 64 ? key.len : 64), (const char *)key.data);
    sdk_option_wrong(options, name, "no such option");
}

bool sdk_option_is(struct bytes text, const char *word)
{
    return text.len == strlen(word) && (text.len == 0 || memcmp(text.data, word, text.len) == 0);
}

void sdk_option_number(struct sdk_options *options, const char *key, struct bytes text, uint64_t min, uint64_t max,
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
    sdk_option_wrong(options, key, what);
}

bool sdk_option_key_file(struct sdk_options *options, struct bytes text, uint8_t key[32], uint8_t account[20])
{
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
        sdk_option_wrong(options, "key-file", fd < 0 ? "cannot be opened" : "others may read it: chmod 600");
        return false;
    }
    while (len > 0 && (digits[len - 1] == '\n' || digits[len - 1] == '\r'))
        len--;
    const bool good =
        len > 0 && codec_hex_decode_exact(key, 32, digits, (size_t)len) && codec_secp256k1_public(point, key);
    explicit_bzero(digits, sizeof digits);
    if (!good) {
        sdk_option_wrong(options, "key-file", "32 bytes of a secret key in hexadecimal are wanted");
        return false;
    }
    codec_keccak256(hash, BYTES_OF(point));
    memcpy(account, hash + 12, 20);
    return true;
}

static void url(struct sdk_options *options, const char *key, struct bytes text, const char *scheme,
                char out[SDK_OPTION_URL_MAX])
{
    if (text.len >= SDK_OPTION_URL_MAX || text.len <= strlen(scheme) ||
        memcmp(text.data, scheme, strlen(scheme)) != 0) {
        char what[96];
        snprintf(what, sizeof what, "an URL that begins with %s, of less than %d characters, is wanted", scheme,
                 SDK_OPTION_URL_MAX);
        sdk_option_wrong(options, key, what);
        return;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

bool sdk_option_endpoint(struct sdk_options *options, struct sdk_endpoint *endpoint, struct bytes key,
                         struct bytes value)
{
    if (sdk_option_is(key, "http"))
        url(options, "http", value, "http", endpoint->http);
    else if (sdk_option_is(key, "ws"))
        url(options, "ws", value, "ws://", endpoint->ws);
    else if (sdk_option_is(key, "poll-ms"))
        sdk_option_number(options, "poll-ms", value, 10, 600000, &endpoint->poll_ms);
    else if (sdk_option_is(key, "timeout-ms"))
        sdk_option_number(options, "timeout-ms", value, 100, 120000, &endpoint->timeout_ms);
    else if (sdk_option_is(key, "max-response"))
        sdk_option_number(options, "max-response", value, 1 << 16, 256 << 20, &endpoint->max_response);
    else if (sdk_option_is(key, "give-up-blocks"))
        sdk_option_number(options, "give-up-blocks", value, 2, 100000, &endpoint->give_up_blocks);
    else
        return false;
    return true;
}
