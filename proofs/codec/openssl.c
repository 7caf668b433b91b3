/*
 * The only file of this room that includes OpenSSL.
 */
#include "proofs/codec/openssl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

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

static const EVP_MD *kind_of(enum codec_openssl_hash hash)
{
    switch (hash) {
    case CODEC_OPENSSL_RIPEMD160: return EVP_ripemd160();
    case CODEC_OPENSSL_SHA512: return EVP_sha512();
    case CODEC_OPENSSL_SHA512_256: return EVP_sha512_256();
    case CODEC_OPENSSL_BLAKE2B_512: return EVP_blake2b512();
    case CODEC_OPENSSL_BLAKE2S_256: return EVP_blake2s256();
    }
    return NULL;
}

size_t codec_openssl_digest(uint8_t *out, enum codec_openssl_hash hash, const struct bytes *parts, size_t count)
{
    unsigned len = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, kind_of(hash), NULL) == 1;
    for (size_t i = 0; done && i < count; i++)
        done = parts[i].len == 0 || EVP_DigestUpdate(context, parts[i].data, parts[i].len) == 1;
    done = done && EVP_DigestFinal_ex(context, out, &len) == 1;
    EVP_MD_CTX_free(context);
    if (!done)
        ERR_clear_error();
    return done ? len : 0;
}

/* ---- P-256 and SM2 ---- */

/* What differs between the two curves. */
struct curve {
    const char *group;
    const char *type; /* of the EVP_PKEY */
    int nid;
};

static const struct curve p256 = {"prime256v1", "EC", NID_X9_62_prime256v1};
static const struct curve sm2 = {"SM2", "SM2", NID_sm2};

/* GM/T 0009: the identity that everyone uses who has agreed on none. */
static const char sm2_identity[] = "1234567812345678";

/* A key from a point, and from a secret when there is one; NULL when the point is not on the curve. */
static EVP_PKEY *key_new(const struct curve *curve, const uint8_t point[64], const BIGNUM *secret)
{
    uint8_t encoded[65] = {4};
    EVP_PKEY *key = NULL;
    memcpy(encoded + 1, point, 64);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, curve->type, NULL);
    OSSL_PARAM *parameters = NULL;
    if (build && context && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof encoded) == 1 &&
        (!secret || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1))
        parameters = OSSL_PARAM_BLD_to_param(build);
    if (!parameters || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool public_of(const struct curve *curve, uint8_t out[64], const uint8_t secret[32])
{
    uint8_t encoded[65];
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
    BIGNUM *scalar = BN_secure_new();
    EC_POINT *point = group ? EC_POINT_new(group) : NULL;
    bool done = point && scalar && BN_bin2bn(secret, 32, scalar) && !BN_is_zero(scalar) &&
                BN_cmp(scalar, EC_GROUP_get0_order(group)) < 0;
    if (done) {
        BN_set_flags(scalar, BN_FLG_CONSTTIME);
        done = EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) == 1 &&
               EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, encoded, sizeof encoded, NULL) == 65;
    }
    memset(out, 0, 64);
    if (done)
        memcpy(out, encoded + 1, 64);
    EC_POINT_free(point);
    BN_clear_free(scalar);
    EC_GROUP_free(group);
    return done;
}

static bool on_curve(const struct curve *curve, const uint8_t point[64])
{
    uint8_t encoded[65] = {4};
    memcpy(encoded + 1, point, 64);
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
    EC_POINT *parsed = group ? EC_POINT_new(group) : NULL;
    bool yes = parsed && EC_POINT_oct2point(group, parsed, encoded, sizeof encoded, NULL) == 1;
    EC_POINT_free(parsed);
    EC_GROUP_free(group);
    return yes;
}

/* r || s as DER, into out; its length, 0 when it cannot be made. */
static size_t to_der(uint8_t out[80], const uint8_t signature[64])
{
    ECDSA_SIG *parsed = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL);
    BIGNUM *s = BN_bin2bn(signature + 32, 32, NULL);
    int len = 0;
    if (parsed && r && s && ECDSA_SIG_set0(parsed, r, s) == 1) {
        r = s = NULL; /* the signature owns them now */
        len = i2d_ECDSA_SIG(parsed, NULL) <= 80 ? i2d_ECDSA_SIG(parsed, &out) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(parsed);
    return len > 0 ? (size_t)len : 0;
}

static bool from_der(uint8_t signature[64], const uint8_t *der, size_t len)
{
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool done = parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, 32) == 32 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + 32, 32) == 32;
    ECDSA_SIG_free(parsed);
    return done;
}

/* A context for one operation with this key: SM2 hashes under its identity, P-256 takes a digest as it is. */
static bool operate(const struct curve *curve, EVP_PKEY *key, struct bytes message, uint8_t *der, size_t *len,
                    bool sign)
{
    bool is_sm2 = curve->nid == NID_sm2;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    EVP_MD_CTX *hash = is_sm2 ? EVP_MD_CTX_new() : NULL;
    bool done = context != NULL;
    if (is_sm2) {
        done = done && hash && EVP_PKEY_CTX_set1_id(context, sm2_identity, (int)strlen(sm2_identity)) == 1;
        if (done)
            EVP_MD_CTX_set_pkey_ctx(hash, context);
        if (done && sign)
            done = EVP_DigestSignInit(hash, NULL, EVP_sm3(), NULL, key) == 1 &&
                   EVP_DigestSign(hash, der, len, message.data, message.len) == 1;
        else if (done)
            done = EVP_DigestVerifyInit(hash, NULL, EVP_sm3(), NULL, key) == 1 &&
                   EVP_DigestVerify(hash, der, *len, message.data, message.len) == 1;
    } else if (sign) {
        done = done && EVP_PKEY_sign_init(context) == 1 &&
               EVP_PKEY_sign(context, der, len, message.data, message.len) == 1;
    } else {
        done = done && EVP_PKEY_verify_init(context) == 1 &&
               EVP_PKEY_verify(context, der, *len, message.data, message.len) == 1;
    }
    EVP_MD_CTX_free(hash);
    EVP_PKEY_CTX_free(context);
    return done;
}

static bool verify(const struct curve *curve, const uint8_t point[64], struct bytes message,
                   const uint8_t signature[64])
{
    uint8_t der[80];
    size_t len = to_der(der, signature);
    EVP_PKEY *key = len > 0 ? key_new(curve, point, NULL) : NULL;
    bool valid = key && operate(curve, key, message, der, &len, false);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* a wrong signature is an answer, not an error that somebody should find later */
    return valid;
}

static bool sign(const struct curve *curve, uint8_t signature[64], const uint8_t secret[32], struct bytes message)
{
    uint8_t point[64];
    uint8_t der[80];
    size_t len = sizeof der;
    memset(signature, 0, 64);
    BIGNUM *scalar = BN_secure_new();
    EVP_PKEY *key = NULL;
    if (public_of(curve, point, secret) && scalar && BN_bin2bn(secret, 32, scalar))
        key = key_new(curve, point, scalar);
    bool done = key && operate(curve, key, message, der, &len, true) && from_der(signature, der, len);
    if (!done)
        memset(signature, 0, 64);
    EVP_PKEY_free(key);
    BN_clear_free(scalar);
    ERR_clear_error();
    return done;
}

bool codec_openssl_p256_verify(const uint8_t point[64], const uint8_t digest[32], const uint8_t signature[64])
{
    return verify(&p256, point, (struct bytes){digest, 32}, signature);
}

bool codec_openssl_p256_sign(uint8_t signature[64], const uint8_t secret[32], const uint8_t digest[32])
{
    return sign(&p256, signature, secret, (struct bytes){digest, 32});
}

bool codec_openssl_p256_public(uint8_t point[64], const uint8_t secret[32])
{
    return public_of(&p256, point, secret);
}

bool codec_openssl_p256_on_curve(const uint8_t point[64])
{
    return on_curve(&p256, point);
}

bool codec_openssl_sm2_verify(const uint8_t point[64], struct bytes message, const uint8_t signature[64])
{
    return verify(&sm2, point, message, signature);
}

bool codec_openssl_sm2_sign(uint8_t signature[64], const uint8_t secret[32], struct bytes message)
{
    return sign(&sm2, signature, secret, message);
}

bool codec_openssl_sm2_public(uint8_t point[64], const uint8_t secret[32])
{
    return public_of(&sm2, point, secret);
}

bool codec_openssl_sm2_on_curve(const uint8_t point[64])
{
    return on_curve(&sm2, point);
}
