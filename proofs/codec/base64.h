/*
 * Base64 with padding (RFC 4648, section 4), as JSON answers carry bytes. Strict: no white space, and the unused bits are zero, so
 * bytes have one text.
 */
#ifndef ISTHMUS_PROOFS_CODEC_BASE64_H
#define ISTHMUS_PROOFS_CODEC_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads text[0..text_len) into out[0..cap); *len is the number of bytes, at most text_len / 4 * 3. False, and *len = 0, otherwise. */
bool codec_base64_decode(uint8_t *out, size_t *len, size_t cap, const char *text, size_t text_len);

#endif
