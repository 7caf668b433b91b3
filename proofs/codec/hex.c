/*
 * Hexadecimal text.
 */
#include "proofs/codec/hex.h"

#include <string.h>

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool codec_hex_decode(uint8_t *out, size_t *len, size_t cap, const char *text, size_t text_len)
{
    *len = 0;
    if (text_len >= 2 && text[0] == '0' && text[1] == 'x') {
        text += 2;
        text_len -= 2;
    }
    if (text_len % 2 != 0 || text_len / 2 > cap)
        return false;
    for (size_t i = 0; i < text_len / 2; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *len = text_len / 2;
    return true;
}

bool codec_hex_decode_exact(uint8_t *out, size_t len, const char *text, size_t text_len)
{
    size_t got;
    return codec_hex_decode(out, &got, len, text, text_len) && got == len;
}

bool codec_hex_decode_u256(uint8_t out[32], const char *text, size_t text_len)
{
    memset(out, 0, 32);
    if (text_len < 3 || text_len > 2 + 64 || text[0] != '0' || text[1] != 'x')
        return false;
    if (text[2] == '0' && text_len > 3)
        return false;
    for (size_t i = 0; i < text_len - 2; i++) {
        int digit = digit_of(text[text_len - 1 - i]);
        if (digit < 0) {
            memset(out, 0, 32);
            return false;
        }
        out[31 - i / 2] |= (uint8_t)(digit << (i % 2 == 0 ? 0 : 4));
    }
    return true;
}

bool codec_hex_decode_u64(uint64_t *out, const char *text, size_t text_len)
{
    uint8_t wide[32];
    *out = 0;
    if (text_len > 2 + 16 || !codec_hex_decode_u256(wide, text, text_len))
        return false;
    for (size_t i = 24; i < 32; i++)
        *out = *out << 8 | wide[i];
    return true;
}

void codec_hex_encode(char *out, struct bytes in)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < in.len; i++) {
        out[2 * i] = digits[in.data[i] >> 4];
        out[2 * i + 1] = digits[in.data[i] & 15];
    }
    out[2 * in.len] = '\0';
}
