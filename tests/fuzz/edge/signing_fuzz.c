/*
 * Any bytes as a request to the signer, as a header for it and as its answer (relay/core/signing.h).
 *
 * What must hold besides memory: there is one way to write each message, so what is read and written again is the same
 * bytes; what a reader hands out lies within the message and within its bounds; nothing is two of them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/core/core.h"
#include "relay/core/signing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void within(struct bytes part, struct bytes message)
{
    require(part.len <= message.len &&
            (part.len == 0 || (part.data >= message.data && part.data + part.len <= message.data + message.len)));
}

static bool request(struct bytes message, uint8_t *again)
{
    static struct relay_signing_statement statements[RELAY_SOURCES_MAX];
    static struct relay_signing_log logs[RELAY_SIGNING_LOGS_MAX];
    struct relay_signing_request read;
    if (!relay_signing_request_read(&read, statements, logs, message))
        return false;
    require(read.statements_len <= RELAY_SOURCES_MAX && read.logs_len >= 1 && read.logs_len <= RELAY_SIGNING_LOGS_MAX);
    within(read.evidence, message);
    for (size_t i = 0; i < read.logs_len; i++) {
        within(read.logs[i].items, message);
        require(read.logs[i].items.len == 32 * (size_t)read.logs[i].count);
        require(read.logs[i].heads_len <= RELAY_SIGNING_HEADS_MAX && read.logs[i].from >= 1);
        require(read.logs[i].from + read.logs[i].count >= read.logs[i].from);
    }
    require(relay_signing_request_write(again, message.len, &read) == message.len);
    require(memcmp(again, message.data, message.len) == 0);
    return true;
}

static bool answer(struct bytes message, uint8_t *again)
{
    struct relay_signing_answer read;
    if (!relay_signing_answer_read(&read, message))
        return false;
    within(read.body, message);
    require(relay_signing_answer_write(again, message.len, &read) == message.len);
    require(memcmp(again, message.data, message.len) == 0);
    return true;
}

static bool header(struct bytes message, uint8_t *again)
{
    struct relay_signing_header read;
    if (!relay_signing_header_read(&read, message))
        return false;
    require(relay_signing_is_header(message));
    within(read.bundle, message);
    require(relay_signing_header_write(again, message.len, &read) == message.len);
    require(memcmp(again, message.data, message.len) == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *again = malloc(size + 1);
    require(again != NULL);
    bool is_request = request((struct bytes){data, size}, again);
    bool is_header = header((struct bytes){data, size}, again);
    require(is_request + is_header + answer((struct bytes){data, size}, again) <= 1);
    free(again);
    return 0;
}
