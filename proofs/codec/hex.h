/*
 * Hexadecimal text, as JSON-RPC and configuration files carry it. Both cases of digits are read, lower case is written.
 */
#ifndef ISTHMUS_PROOFS_CODEC_HEX_H
#define ISTHMUS_PROOFS_CODEC_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* Reads text[0..text_len), with or without a leading 0x, into out[0..cap); *len is the number of bytes.
 * False (and *len = 0) on an odd number of digits, a character that is no digit, or more than cap bytes. */
bool codec_hex_decode(uint8_t *out, size_t *len, size_t cap, const char *text, size_t text_len);

/* The same for exactly len bytes. */
bool codec_hex_decode_exact(uint8_t *out, size_t len, const char *text, size_t text_len);

/* A JSON-RPC quantity: 0x and 1..16 digits without leading zeros (0x0 is zero). */
bool codec_hex_decode_u64(uint64_t *out, const char *text, size_t text_len);

/* A JSON-RPC quantity of up to 256 bits, into 32 big-endian bytes. */
bool codec_hex_decode_u256(uint8_t out[32], const char *text, size_t text_len);

/* Writes 2 * in.len digits and a terminating NUL to out, which holds at least 2 * in.len + 1 characters. No 0x. */
void codec_hex_encode(char *out, struct bytes in);

#endif
