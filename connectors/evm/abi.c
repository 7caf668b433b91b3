/*
 * Events, errors and storage of the contracts (abi.h).
 */
#include "connectors/evm/abi.h"

#include <stdio.h>
#include <string.h>

#include "proofs/codec/hex.h"
#include "proofs/codec/keccak.h"

#define TEXT_BYTES(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

/* ---- storage ---------------------------------------------------------------------------------------------------------- */

void evm_abi_slot(uint8_t out[32], enum connector_log_kind kind, const uint8_t log[32])
{
    uint8_t place[64] = {0};
    memcpy(place, log, 32);
    place[63] = kind == CONNECTOR_LOG_MESSAGE ? 0 : 1;
    codec_keccak256(out, BYTES_OF(place));
}

/* ---- events ----------------------------------------------------------------------------------------------------------- */

void evm_abi_topic(uint8_t out[32], enum connector_log_kind kind)
{
    switch (kind) {
    case CONNECTOR_LOG_MESSAGE: codec_keccak256(out, TEXT_BYTES("Message(bytes32,uint64,bytes32,bytes)")); break;
    case CONNECTOR_LOG_OUTCOME:
        codec_keccak256(out, TEXT_BYTES("Outcome(bytes32,uint64,uint64,bytes32,uint8,uint32,bytes32)"));
        break;
    case CONNECTOR_LOG_SETTLEMENT:
        codec_keccak256(out, TEXT_BYTES("Settled(bytes32,uint64,uint64,uint64,bytes32,bytes)"));
        break;
    }
}

/* A word that holds an integer of `bytes` bytes: everything above it is zero. */
static uint64_t read_uint(struct codec_reader *reader, size_t bytes)
{
    const struct bytes word = codec_read_bytes(reader, 32);
    uint64_t value = 0;
    if (word.len != 32 || !codec_bytes_are_zero(word.data, 32 - bytes)) {
        reader->failed = true;
        return 0;
    }
    for (size_t i = 32 - bytes; i < 32; i++)
        value = value << 8 | word.data[i];
    return value;
}

/* The only dynamic argument: its offset is `at`, its length and padding fill the rest. */
static struct bytes read_tail(struct codec_reader *reader, size_t at)
{
    if (read_uint(reader, 8) != at)
        reader->failed = true;
    const uint64_t len = read_uint(reader, 8);
    if (len > codec_reader_left(reader))
        reader->failed = true;
    const struct bytes tail = codec_read_bytes(reader, (size_t)len);
    codec_read_bytes(reader, (32 - tail.len % 32) % 32);
    return tail;
}

static void message_event(struct evm_event *out, struct codec_reader *data, uint64_t number)
{
    out->from = out->to = number;
    codec_read_copy(out->running, data, 32);
    out->records = read_tail(data, 64);
}

static void outcome_event(struct evm_event *out, struct codec_reader *data, uint64_t number)
{
    struct codec_writer writer;
    uint8_t digest[32];
    codec_writer_init(&writer, out->outcome, sizeof out->outcome);
    out->from = out->to = number;
    codec_write_u64(&writer, read_uint(data, 8));
    codec_read_copy(digest, data, 32);
    codec_write_bytes(&writer, BYTES_OF(digest));
    codec_write_u8(&writer, (uint8_t)read_uint(data, 1));
    codec_write_u32(&writer, (uint32_t)read_uint(data, 4));
    codec_read_copy(out->running, data, 32);
    out->records = codec_writer_bytes(&writer);
}

static void settled_event(struct evm_event *out, struct codec_reader *data)
{
    out->from = read_uint(data, 8);
    out->to = read_uint(data, 8);
    read_uint(data, 8); /* the settled mark is no part of the log */
    codec_read_copy(out->running, data, 32);
    read_tail(data, 160);
}

bool evm_abi_event(struct evm_event *out, enum connector_log_kind kind, const struct eth_log *log)
{
    struct codec_reader data, topic;
    memset(out, 0, sizeof *out);
    codec_reader_init(&data, log->data);
    const size_t topics = kind == CONNECTOR_LOG_SETTLEMENT ? 2 : 3;
    if (log->topic_count != topics)
        return false;
    codec_reader_init(&topic, (struct bytes){log->topics[topics - 1], 32});
    switch (kind) {
    case CONNECTOR_LOG_MESSAGE: message_event(out, &data, read_uint(&topic, 8)); break;
    case CONNECTOR_LOG_OUTCOME: outcome_event(out, &data, read_uint(&topic, 8)); break;
    case CONNECTOR_LOG_SETTLEMENT: settled_event(out, &data); break;
    }
    const bool number = kind == CONNECTOR_LOG_SETTLEMENT || !topic.failed;
    return number && codec_reader_done(&data) && out->from >= 1 && out->to >= out->from;
}

/* ---- errors ----------------------------------------------------------------------------------------------------------- */

/* Every error of the contracts. All arguments are of fixed size: one word each. */
static const char *const ERRORS[] = {
    /* Inbox */
    "RegistryMissing()",
    "ReceiverGasInvalid(uint256)",
    "Reentered()",
    "LaneInvalid()",
    "LaneClosed()",
    "BeyondClose(uint64)",
    "ItemsCount(uint256)",
    "ItemsGap(uint64,uint64)",
    "HeadDiffers(bytes32,bytes32)",
    "RecordInvalid(uint64)",
    "PayloadDiffers(uint64)",
    "PayloadMissing(uint64)",
    "NotPending(uint64)",
    "DigestDiffers(uint64)",
    "OutOfOrder(uint64)",
    "DeadlineNotPassed(uint64)",
    "GasTooLow(uint256)",
    "RulingInvalid()",
    "GenerationNotNext(uint32)",
    "PreviousGenerationOpen()",
    /* Outbox */
    "LaneExists(bytes32)",
    "LaneUnknown(bytes32)",
    "LaneClosed(bytes32)",
    "NotSender(address)",
    "ModeInvalid(uint8)",
    "SuitesInvalid(uint8)",
    "LifetimeInvalid(uint32)",
    "DestinationInvalid()",
    "FormInvalid(uint8)",
    "PayloadTooLong(uint256)",
    "CommitmentsCount(uint256,uint256)",
    "DeadlineInvalid(uint64,uint64,uint64)",
    "RecordsLength(uint256)",
    "EntriesGap(uint64,uint64)",
    "EntrySequenceUnknown(uint64)",
    "EntryRepeated(uint64)",
    "EntryStatusInvalid(uint8)",
    "LastBeyondCount(uint64,uint64)",
    /* Registry */
    "WrongChain()",
    "EpochNotValid(uint64)",
    "EpochNotNext(uint64)",
    "TooManyAttestations(uint256)",
    "PathTooLong(uint256)",
    "SignatureNotCanonical(uint256)",
    "SignerUnknown(uint256,address)",
    "QuorumMissing(uint256,uint256)",
    "SideMissing(uint256,uint256,uint256)",
    "MembersCount(uint256)",
    "MembersNotAscending(uint256)",
    "MemberKeyInvalid(uint256)",
    "MemberSideDiffers(uint256)",
    "OperatorsCount(uint256)",
    "SidesCount(uint256)",
    "QuorumOutOfRange(uint256,uint256)",
    "OverlapTooLong(uint64)",
    "RecoveryDelayTooShort(uint64)",
    "NotRecovery(address)",
    "RecoveryNotProposed()",
    "RecoveryTooEarly(uint64)",
    /* the language's own */
    "Panic(uint256)",
};

static void say_arguments(FILE *stream, struct bytes words)
{
    for (size_t at = 0; at + 32 <= words.len; at += 32) {
        fputs(at ? ", " : "(", stream);
        if (codec_bytes_are_zero(words.data + at, 24)) {
            struct codec_reader reader;
            codec_reader_init(&reader, codec_bytes_slice(words, at + 24, 8));
            fprintf(stream, "%llu", (unsigned long long)codec_read_u64(&reader));
        } else {
            char hex[65];
            codec_hex_encode(hex, codec_bytes_slice(words, at, 32));
            fprintf(stream, "0x%s", hex);
        }
    }
    fputs(words.len < 32 ? "()" : ")", stream);
}

/* Error(string): offset 32, length, text. Anything but printable characters is left out. */
static void say_text(FILE *stream, struct bytes revert)
{
    struct codec_reader reader;
    codec_reader_init(&reader, codec_bytes_slice(revert, 4, revert.len - 4));
    const struct bytes text = read_tail(&reader, 32);
    fputs("reverted: ", stream);
    for (size_t i = 0; i < text.len && i < 200; i++)
        if (text.data[i] >= 0x20 && text.data[i] < 0x7f)
            fputc(text.data[i], stream);
}

void evm_abi_error(char *out, size_t cap, struct bytes revert)
{
    uint8_t selector[32];
    snprintf(out, cap, "reverted");
    FILE *stream = revert.len >= 4 ? fmemopen(out, cap, "w") : NULL;
    if (!stream)
        return;
    codec_keccak256(selector, TEXT_BYTES("Error(string)"));
    bool known = memcmp(selector, revert.data, 4) == 0;
    if (known)
        say_text(stream, revert);
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS && !known; i++) {
        codec_keccak256(selector, (struct bytes){(const uint8_t *)ERRORS[i], strlen(ERRORS[i])});
        known = memcmp(selector, revert.data, 4) == 0;
        if (known) {
            fprintf(stream, "%.*s", (int)strcspn(ERRORS[i], "("), ERRORS[i]);
            say_arguments(stream, codec_bytes_slice(revert, 4, (revert.len - 4) / 32 * 32));
        }
    }
    if (!known)
        fprintf(stream, "reverted with 0x%02x%02x%02x%02x", revert.data[0], revert.data[1], revert.data[2],
                revert.data[3]);
    fclose(stream);
    out[cap - 1] = '\0';
}
