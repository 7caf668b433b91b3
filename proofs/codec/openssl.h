/*
 * What this tree takes from OpenSSL's libcrypto; openssl.c is the only file of proofs/ that includes it.
 */
#ifndef ISTHMUS_PROOFS_CODEC_OPENSSL_H
#define ISTHMUS_PROOFS_CODEC_OPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proofs/codec/bytes.h"

/* The hash of all parts in a row. False, with out undefined, when libcrypto refuses (no memory, digest disabled). */
bool codec_openssl_sha256(uint8_t out[32], const struct bytes *parts, size_t count);
bool codec_openssl_sm3(uint8_t out[32], const struct bytes *parts, size_t count);

#endif
