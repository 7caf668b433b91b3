/*
 * The connector SDK: turns one `const struct connector_ops` into a program that speaks docs/connector-protocol.md on
 * descriptor 3. It does the framing, the strict decoding, the order of the first messages, bounded buffers and the
 * loop; the connector does its chain. One thread: every op runs in the loop and must not block.
 */
#ifndef CONNECTORS_SDK_SDK_H
#define CONNECTORS_SDK_SDK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/sdk/loop.h"
#include "proofs/codec/connector.h"

enum {
    SDK_OUT_MAX = 16 << 20,    /* bytes that wait for the relay to read them */
    SDK_OUT_RESERVE = 2 << 20, /* the last of them, kept for answers: header, records and evidence may not use it */
};

struct connector;
struct sdk_positions;
struct sdk_watches;

/* Messages are borrowed for the call. `context` is what start returned. Every op is given but those marked optional. */
struct connector_ops {
    const char *name;
    const char *version;
    const char *const *families; /* ends with NULL */
    bool slot, receipts, ics23;  /* evidence kinds that it can give */
    bool offences;               /* it tells of validators that broke the rules: protocol 2 */

    void *(*start)(struct connector *connector); /* calls connector_serves; NULL ends the program */
    void (*stop)(void *context);
    /* Exactly one connector_configured follows, now or later. No other op but status is called before it said ok. */
    void (*configure)(void *context, const struct connector_configure *message);
    void (*ask_header)(void *context, const struct connector_ask_header *message);
    void (*submit)(void *context, const struct connector_submit *message);
    void (*ask_result)(void *context, const struct connector_ask_result *message);
    void (*status)(void *context);
    void (*drained)(void *context); /* optional: there is room again after a send that was refused as SDK_FULL */
};

/* Runs the connector on descriptor 3 until the relay closes it (0), breaks the protocol (2) or something fails (1). */
int connector_main(const struct connector_ops *ops, int argc, char **argv);

/* ---- what a connector calls -------------------------------------------------------------------------------------- */

struct sdk_loop *connector_loop(struct connector *connector);
/* What messages 4 to 6 and 14 are about, and what 7 is: initialised before configure is answered, and there as long as the context. */
void connector_serves(struct connector *connector, struct sdk_watches *watches, struct sdk_positions *positions);

enum sdk_sent {
    SDK_SENT = 0,
    SDK_FULL,     /* nothing was sent: wait for `drained` */
    SDK_TOO_LARGE /* the message is beyond the protocol's limits and never can be sent */
};

enum sdk_sent connector_send(struct connector *connector, const struct connector_message *message);
/* A message was refused as SDK_FULL and `drained` did not come yet: nothing that takes much room should be begun. */
bool connector_is_full(const struct connector *connector);

/* Answers, which the reserve has room for. */
void connector_configured(struct connector *connector, bool ok, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void connector_notice(struct connector *connector, enum connector_notice_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* about: a height (8 bytes), watch (4 bytes) or key (32 bytes), big-endian. */
void connector_cannot(struct connector *connector, enum connector_type type, struct bytes about, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));
void connector_cannot_watch(struct connector *connector, enum connector_type type, uint32_t watch, const char *text);
void connector_cannot_height(struct connector *connector, uint64_t height, const char *text);

/* One line to stderr: "evm: …". */
void connector_log(const struct connector *connector, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the program with this exit code after the current callback. */
void connector_exit(struct connector *connector, int code);

#endif
