/* msgpack: the strict reader is ours, the writer is the library's packer over a bounded buffer. */
#include "proofs/codec/pack.h"

#include <msgpack/pack.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

void codec_unpack_init(struct codec_unpack *unpack, struct bytes in)
{
    *unpack = (struct codec_unpack){.in = in};
}

void codec_unpack_fail(struct codec_unpack *unpack)
{
    unpack->failed = true;
}

bool codec_unpack_done(const struct codec_unpack *unpack)
{
    return !unpack->failed && unpack->at == unpack->in.len;
}

static enum codec_pack_type type_of(uint8_t code)
{
    if (code <= 0x7f)
        return CODEC_PACK_UINT;
    if (code <= 0x8f)
        return CODEC_PACK_MAP;
    if (code <= 0x9f)
        return CODEC_PACK_ARRAY;
    if (code <= 0xbf || (code >= 0xd9 && code <= 0xdb))
        return CODEC_PACK_STR;
    if (code == 0xc0)
        return CODEC_PACK_NIL;
    if (code == 0xc2 || code == 0xc3)
        return CODEC_PACK_BOOL;
    if (code >= 0xc4 && code <= 0xc6)
        return CODEC_PACK_BIN;
    if (code >= 0xcc && code <= 0xcf)
        return CODEC_PACK_UINT;
    if (code >= 0xe0 || (code >= 0xd0 && code <= 0xd3))
        return CODEC_PACK_INT;
    if (code == 0xdc || code == 0xdd)
        return CODEC_PACK_ARRAY;
    if (code == 0xde || code == 0xdf)
        return CODEC_PACK_MAP;
    return CODEC_PACK_NONE; /* 0xc1, extensions, floats */
}

enum codec_pack_type codec_unpack_peek(const struct codec_unpack *unpack)
{
    if (unpack->failed || unpack->at >= unpack->in.len)
        return CODEC_PACK_NONE;
    return type_of(unpack->in.data[unpack->at]);
}

static size_t left(const struct codec_unpack *unpack)
{
    return unpack->in.len - unpack->at;
}

/* How a type writes its number (value, length or count): inside the first byte, then in 1, 2, 4, 8 bytes after these codes;
 * code 0 where there is no such form. */
struct forms {
    uint8_t fixed;     /* first byte of the short form */
    uint8_t fixed_max; /* greatest number in it; 0: no short form */
    uint8_t wide[4];
};

static const struct forms forms_uint = {0x00, 0x7f, {0xcc, 0xcd, 0xce, 0xcf}};
static const struct forms forms_str = {0xa0, 31, {0xd9, 0xda, 0xdb, 0}};
static const struct forms forms_bin = {0, 0, {0xc4, 0xc5, 0xc6, 0}};
static const struct forms forms_array = {0x90, 15, {0, 0xdc, 0xdd, 0}};
static const struct forms forms_map = {0x80, 15, {0, 0xde, 0xdf, 0}};

/* The next width-byte big-endian number, after the code byte. The caller knows that it is there. */
static uint64_t number_at(const struct codec_unpack *unpack, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 1; i <= width; i++)
        value = value << 8 | unpack->in.data[unpack->at + i];
    return value;
}

/* Reads the number of a value of this type, of at most max, and only in its shortest form. */
static uint64_t read_number(struct codec_unpack *unpack, const struct forms *forms, uint64_t max)
{
    uint64_t shorter = forms->fixed_max; /* greatest number that a shorter form can hold */
    bool any_shorter = forms->fixed_max != 0;
    if (unpack->failed || left(unpack) == 0)
        goto fail;
    uint8_t code = unpack->in.data[unpack->at];
    uint64_t fixed = (uint64_t)code - forms->fixed; /* wraps to a great number below the short forms */
    if (any_shorter && fixed <= forms->fixed_max) {
        if (fixed > max)
            goto fail;
        unpack->at++;
        return fixed;
    }
    for (size_t i = 0; i < 4; i++) {
        size_t width = (size_t)1 << i;
        if (forms->wide[i] == 0)
            continue;
        if (code == forms->wide[i]) {
            if (left(unpack) < 1 + width)
                goto fail;
            uint64_t value = number_at(unpack, width);
            if ((any_shorter && value <= shorter) || value > max)
                goto fail;
            unpack->at += 1 + width;
            return value;
        }
        any_shorter = true;
        shorter = UINT64_MAX >> (64 - 8 * width);
    }
fail:
    unpack->failed = true;
    return 0;
}

uint32_t codec_unpack_array(struct codec_unpack *unpack, uint32_t max)
{
    uint32_t count = (uint32_t)read_number(unpack, &forms_array, max);
    if (!unpack->failed && count <= left(unpack))
        return count;
    unpack->failed = true;
    return 0;
}

uint32_t codec_unpack_map(struct codec_unpack *unpack, uint32_t max)
{
    uint32_t pairs = (uint32_t)read_number(unpack, &forms_map, max);
    if (!unpack->failed && pairs <= left(unpack) / 2)
        return pairs;
    unpack->failed = true;
    return 0;
}

void codec_unpack_array_exact(struct codec_unpack *unpack, uint32_t count)
{
    if (codec_unpack_array(unpack, count) != count)
        unpack->failed = true;
}

uint64_t codec_unpack_uint(struct codec_unpack *unpack, uint64_t max)
{
    return read_number(unpack, &forms_uint, max);
}

int64_t codec_unpack_int(struct codec_unpack *unpack)
{
    if (codec_unpack_peek(unpack) != CODEC_PACK_INT)
        return (int64_t)codec_unpack_uint(unpack, INT64_MAX);
    uint8_t code = unpack->in.data[unpack->at];
    if (code >= 0xe0) {
        unpack->at++;
        return (int64_t)code - 0x100;
    }
    /* Widths 1, 2, 4, 8; a number belongs here when the next shorter form cannot hold it. */
    static const int64_t shorter_min[] = {-32, INT8_MIN, INT16_MIN, INT32_MIN};
    size_t form = code - 0xd0u;
    size_t width = (size_t)1 << form;
    if (left(unpack) >= 1 + width) {
        uint64_t bits = number_at(unpack, width);
        if (width < 8)
            bits |= UINT64_MAX << (8 * width); /* as if negative; a clear top bit is refused below */
        bool negative = (unpack->in.data[unpack->at + 1] & 0x80) != 0;
        int64_t value = (int64_t)bits;
        if (negative && value < shorter_min[form]) {
            unpack->at += 1 + width;
            return value;
        }
    }
    unpack->failed = true;
    return 0;
}

bool codec_unpack_bool(struct codec_unpack *unpack)
{
    if (codec_unpack_peek(unpack) == CODEC_PACK_BOOL)
        return unpack->in.data[unpack->at++] == 0xc3;
    unpack->failed = true;
    return false;
}

void codec_unpack_nil(struct codec_unpack *unpack)
{
    if (codec_unpack_peek(unpack) == CODEC_PACK_NIL)
        unpack->at++;
    else
        unpack->failed = true;
}

static struct bytes read_content(struct codec_unpack *unpack, const struct forms *forms, size_t max)
{
    size_t len = (size_t)read_number(unpack, forms, max);
    if (unpack->failed || len > left(unpack)) {
        unpack->failed = true;
        return (struct bytes){0};
    }
    struct bytes content = {unpack->in.data + unpack->at, len};
    unpack->at += len;
    return content;
}

struct bytes codec_unpack_bin(struct codec_unpack *unpack, size_t max)
{
    return read_content(unpack, &forms_bin, max);
}

struct bytes codec_unpack_str(struct codec_unpack *unpack, size_t max)
{
    return read_content(unpack, &forms_str, max);
}

void codec_unpack_bin_exact(uint8_t *out, struct codec_unpack *unpack, size_t len)
{
    struct bytes content = codec_unpack_bin(unpack, len);
    if (!unpack->failed && content.len == len) {
        memcpy(out, content.data, len);
        return;
    }
    unpack->failed = true;
    memset(out, 0, len);
}

/* Passes over a value that holds no others, or over the header of one that does; how many values that one holds. */
static uint64_t skip_one(struct codec_unpack *unpack)
{
    switch (codec_unpack_peek(unpack)) {
    case CODEC_PACK_NIL: codec_unpack_nil(unpack); return 0;
    case CODEC_PACK_BOOL: (void)codec_unpack_bool(unpack); return 0;
    case CODEC_PACK_UINT: (void)codec_unpack_uint(unpack, UINT64_MAX); return 0;
    case CODEC_PACK_INT: (void)codec_unpack_int(unpack); return 0;
    case CODEC_PACK_STR: (void)codec_unpack_str(unpack, SIZE_MAX); return 0;
    case CODEC_PACK_BIN: (void)codec_unpack_bin(unpack, SIZE_MAX); return 0;
    case CODEC_PACK_ARRAY: return codec_unpack_array(unpack, UINT32_MAX);
    case CODEC_PACK_MAP: return 2 * (uint64_t)codec_unpack_map(unpack, UINT32_MAX);
    case CODEC_PACK_NONE: break;
    }
    unpack->failed = true;
    return 0;
}

struct bytes codec_unpack_skip(struct codec_unpack *unpack)
{
    uint64_t open[CODEC_PACK_DEPTH_MAX + 1] = {1}; /* values still to pass at each depth */
    size_t from = unpack->at;
    size_t depth = 0;
    while (!unpack->failed) {
        if (open[depth] == 0) {
            if (depth == 0)
                return (struct bytes){unpack->in.data + from, unpack->at - from};
            depth--;
            continue;
        }
        open[depth]--;
        enum codec_pack_type type = codec_unpack_peek(unpack);
        uint64_t inside = skip_one(unpack);
        if (type != CODEC_PACK_ARRAY && type != CODEC_PACK_MAP)
            continue;
        if (depth == CODEC_PACK_DEPTH_MAX)
            unpack->failed = true;
        else
            open[++depth] = inside;
    }
    return (struct bytes){0};
}

bool codec_unpack_check(struct bytes in)
{
    struct codec_unpack unpack;
    codec_unpack_init(&unpack, in);
    (void)codec_unpack_skip(&unpack);
    return codec_unpack_done(&unpack);
}

/* ---- writing ---- */

void codec_pack_init(struct codec_pack *pack, size_t max)
{
    *pack = (struct codec_pack){.max = max};
}

void codec_pack_fini(struct codec_pack *pack)
{
    free(pack->data);
    codec_pack_init(pack, pack->max);
}

void codec_pack_clear(struct codec_pack *pack)
{
    pack->len = 0;
    pack->failed = false;
}

uint8_t *codec_pack_reserve(struct codec_pack *pack, size_t len)
{
    if (pack->failed || len > pack->max - pack->len)
        goto fail;
    if (!pack->data || len > pack->cap - pack->len) {
        size_t cap = pack->cap < 256 ? 256 : pack->cap;
        while (cap - pack->len < len)
            cap = cap > pack->max / 2 ? pack->max : 2 * cap;
        uint8_t *data = realloc(pack->data, cap);
        if (!data)
            goto fail;
        pack->data = data;
        pack->cap = cap;
    }
    uint8_t *at = pack->data + pack->len;
    pack->len += len;
    return at;
fail:
    pack->failed = true;
    return NULL;
}

void codec_pack_raw(struct codec_pack *pack, struct bytes bytes)
{
    uint8_t *at = codec_pack_reserve(pack, bytes.len);
    if (at && bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
}

/* msgpack writes each number in its shortest form, in one call of this function. */
static int append(void *data, const char *bytes, size_t len)
{
    struct codec_pack *pack = data;
    codec_pack_raw(pack, (struct bytes){(const uint8_t *)bytes, len});
    return pack->failed ? -1 : 0;
}

static msgpack_packer packer(struct codec_pack *pack)
{
    msgpack_packer out;
    msgpack_packer_init(&out, pack, append);
    return out;
}

void codec_pack_array(struct codec_pack *pack, uint32_t count)
{
    msgpack_packer out = packer(pack);
    (void)msgpack_pack_array(&out, count);
}

void codec_pack_map(struct codec_pack *pack, uint32_t pairs)
{
    msgpack_packer out = packer(pack);
    (void)msgpack_pack_map(&out, pairs);
}

void codec_pack_uint(struct codec_pack *pack, uint64_t value)
{
    msgpack_packer out = packer(pack);
    (void)msgpack_pack_uint64(&out, value);
}

void codec_pack_int(struct codec_pack *pack, int64_t value)
{
    msgpack_packer out = packer(pack);
    (void)msgpack_pack_int64(&out, value);
}

void codec_pack_bool(struct codec_pack *pack, bool value)
{
    msgpack_packer out = packer(pack);
    (void)(value ? msgpack_pack_true(&out) : msgpack_pack_false(&out));
}

void codec_pack_nil(struct codec_pack *pack)
{
    msgpack_packer out = packer(pack);
    (void)msgpack_pack_nil(&out);
}

void codec_pack_bin(struct codec_pack *pack, struct bytes value)
{
    msgpack_packer out = packer(pack);
    size_t before = pack->len;
    /* Header and content are two writes: both or none. */
    if (value.len > UINT32_MAX || msgpack_pack_bin(&out, value.len) != 0)
        pack->failed = true;
    codec_pack_raw(pack, value);
    if (pack->failed)
        pack->len = before;
}

void codec_pack_str_bytes(struct codec_pack *pack, struct bytes text)
{
    msgpack_packer out = packer(pack);
    size_t before = pack->len;
    if (text.len > UINT32_MAX || msgpack_pack_str(&out, text.len) != 0)
        pack->failed = true;
    codec_pack_raw(pack, text);
    if (pack->failed)
        pack->len = before;
}

void codec_pack_str(struct codec_pack *pack, const char *text)
{
    codec_pack_str_bytes(pack, (struct bytes){(const uint8_t *)text, strlen(text)});
}

struct bytes codec_pack_bytes(const struct codec_pack *pack)
{
    if (pack->failed)
        return (struct bytes){0};
    return (struct bytes){pack->data, pack->len};
}
