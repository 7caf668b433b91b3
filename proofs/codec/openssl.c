#include "proofs/codec/openssl.h"

#include <openssl/evp.h>

static bool digest(uint8_t out[32], const EVP_MD *kind, const struct bytes *parts, size_t count)
{
    unsigned len = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, kind, NULL) == 1;
    for (size_t i = 0; done && i < count; i++)
        done = parts[i].len == 0 || EVP_DigestUpdate(context, parts[i].data, parts[i].len) == 1;
    done = done && EVP_MD_get_size(kind) == 32 && EVP_DigestFinal_ex(context, out, &len) == 1 && len == 32;
    EVP_MD_CTX_free(context);
    return done;
}

bool codec_openssl_sha256(uint8_t out[32], const struct bytes *parts, size_t count)
{
    return digest(out, EVP_sha256(), parts, count);
}

bool codec_openssl_sm3(uint8_t out[32], const struct bytes *parts, size_t count)
{
    return digest(out, EVP_sm3(), parts, count);
}
