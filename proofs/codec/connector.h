/*
 * The connector protocol (docs/connector-protocol.md): every message as a struct, one decoder and one encoder for both ends.
 *
 * A decoded message borrows the bytes it was read from and the caller's scratch for its lists; nothing is allocated. The
 * decoder is strict: shortest msgpack encodings, exact element counts, every number in its range, nothing after the
 * end; what it takes, the encoder writes back byte for byte.
 */
#ifndef ISTHMUS_PROOFS_CODEC_CONNECTOR_H
#define ISTHMUS_PROOFS_CODEC_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/connector_message.h"
#include "proofs/codec/pack.h"

enum {
    CODEC_CONNECTOR_PROTOCOL = 2,          /* the newest; a connector names the lowest that has all that it says */
    CODEC_CONNECTOR_PROTOCOL_FIRST = 1,    /* without message 15 */
    CODEC_CONNECTOR_MESSAGE_MAX = 4 << 20, /* bytes of one message, without the length before it */
    CODEC_CONNECTOR_TEXT_MAX = 1024,       /* bytes of a text */
    CODEC_CONNECTOR_HEADER_MAX = 65536,    /* bytes of a header */
    CODEC_CONNECTOR_OFFENCE_MAX = 4096,    /* bytes of the proof of an offence */
    CODEC_CONNECTOR_OPTIONS_MAX = 64,
    CODEC_CONNECTOR_FAMILIES_MAX = 8,
    CODEC_CONNECTOR_MARKS_MAX = 64,      /* logs in one evidence message */
    CODEC_CONNECTOR_ITEMS_MAX = 16384,   /* proof nodes, or receipts, in one evidence message */
    CODEC_CONNECTOR_RECORDS_MAX = 65536, /* records in one message */
    CODEC_CONNECTOR_ATTESTATIONS_MAX = 256,
    CODEC_CONNECTOR_PATH_MAX = 16 * 32, /* bytes of a path of siblings */
    CODEC_CONNECTOR_SIGNATURE_MAX = 64
};

/* One message; `type` says which. */
struct connector_message {
    enum connector_type type;
    union {
        struct connector_manifest manifest;
        struct connector_configure configure;
        struct connector_configured configured;
        struct connector_subscribe subscribe;
        struct connector_credit credit;
        struct connector_unsubscribe unsubscribe;
        struct connector_position position;
        struct connector_header header;
        struct connector_records records;
        struct connector_evidence evidence;
        struct connector_ask_header ask_header;
        struct connector_ask_again ask_again;
        struct connector_offence offence;
        struct connector_submit submit;
        struct connector_result result;
        struct connector_ask_result ask_result;
        struct connector_position_is position_is;
        struct connector_status status;
        struct connector_notice notice;
        struct connector_cannot cannot;
        struct connector_account account;
    };
};

/* Where a decoded message keeps its lists. Large (about 280 KiB): one per decoder, on the heap or static to it. */
struct connector_scratch {
    struct bytes items[CODEC_CONNECTOR_ITEMS_MAX];
    size_t items_used;
    struct connector_slot slots[CODEC_CONNECTOR_MARKS_MAX];
    struct connector_mark marks[CODEC_CONNECTOR_MARKS_MAX];
    struct connector_option options[CODEC_CONNECTOR_OPTIONS_MAX];
    struct connector_attestation attestations[CODEC_CONNECTOR_ATTESTATIONS_MAX];
};

/* Reads one whole message. False, and *out zeroed, when anything is wrong; *where is then a static text that names the
 * message or field that was refused (where may be NULL). The message is valid until in or scratch change. */
bool codec_connector_decode(struct connector_message *out, struct connector_scratch *scratch, struct bytes in,
                            const char **where);

/* Appends one message, without the length before it. The result is what decode would take, or pack->failed is set: on a
 * list over its limit, a text that is too long, or a number out of its range as well. */
void codec_connector_encode(struct codec_pack *pack, const struct connector_message *message);

/* "subscribe", "evidence" …; "unknown" for anything else. Static storage. */
const char *codec_connector_type_name(enum connector_type type);

/* Fills a view with a C text, cut at CODEC_CONNECTOR_TEXT_MAX bytes. */
struct bytes codec_connector_text(const char *text);

#endif
