/* One TLS client that says eight bytes and waits to be shown out. */
#include "relay/edge/call.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* nng's first bytes: version 0 and the protocol, here that of a bus, which no door speaks. */
static const uint8_t HELLO[8] = {0, 'S', 'P', 0, 0, 0x70, 0, 0};

static bool find_address(struct edge_call *call, const char *url)
{
    char host[256];
    const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const char *start = strstr(url, "://"), *colon = strrchr(url, ':');
    if (start == NULL || colon <= start + 2)
        return false;
    start += 3;
    bool bracket = *start == '[';
    int len = (int)(colon - start) - 2 * bracket;
    if (len <= 0 || (size_t)snprintf(host, sizeof(host), "%.*s", len, start + bracket) >= sizeof(host))
        return false;
    /* A listener's "*" is every address of this machine; so is none, for getaddrinfo, the loopback. */
    if (getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, colon + 1, &hints, &found) != 0)
        return false;
    bool fits = found->ai_addrlen <= sizeof(call->address);
    if (fits) {
        memcpy(&call->address, found->ai_addr, found->ai_addrlen);
        call->address_len = found->ai_addrlen;
    }
    freeaddrinfo(found);
    return fits;
}

/* Our certificate, and those that lead from it to the authority. */
static bool take_certificates(SSL_CTX *context, const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    bool good = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1;
    X509_free(certificate);
    while (good && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        good = SSL_CTX_add1_chain_cert(context, certificate) == 1;
        X509_free(certificate);
    }
    BIO_free(bio);
    return good;
}

static bool take_key(SSL_CTX *context, const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    bool good = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

bool edge_call_init(struct edge_call *call, const struct edge_call_options *options)
{
    memset(call, 0, sizeof(*call));
    call->fd = -1;
    if (!find_address(call, options->url))
        return false;
    call->context = SSL_CTX_new(TLS_client_method());
    if (call->context == NULL)
        return false;
    /* Which certificates are good is for the door and the peers to say: whose door this is, its own count of calls shows. */
    SSL_CTX_set_verify(call->context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_security_level(call->context, 0);
    SSL_CTX_set_quiet_shutdown(call->context, 1); /* whoever ends, ends the connection */
    return take_certificates(call->context, options->certificate) && take_key(call->context, options->key);
}

void edge_call_fini(struct edge_call *call)
{
    edge_call_stop(call);
    SSL_CTX_free(call->context);
    call->context = NULL;
}

void edge_call_stop(struct edge_call *call)
{
    if (call->session == NULL)
        return;
    SSL_free(call->session);
    call->session = NULL;
    close(call->fd);
    call->fd = -1;
}

static bool begin(struct edge_call *call)
{
    call->fd = socket(call->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (call->fd < 0)
        return false;
    call->greeted = false;
    call->session = SSL_new(call->context);
    if (call->session != NULL && SSL_set_fd(call->session, call->fd) == 1) {
        /* What becomes of it, the handshake sees. */
        (void)connect(call->fd, (const struct sockaddr *)&call->address, call->address_len);
        SSL_set_connect_state(call->session);
        return true;
    }
    SSL_free(call->session);
    call->session = NULL;
    close(call->fd);
    call->fd = -1;
    return false;
}

/* Whether that result of OpenSSL says: go on later. */
static bool pending(const struct edge_call *call, int result)
{
    int error = SSL_get_error(call->session, result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

bool edge_call_step(struct edge_call *call)
{
    uint8_t heard[64];
    ERR_clear_error();
    if (call->session == NULL && !begin(call))
        return true;
    int result = 1;
    if (!call->greeted) {
        result = SSL_write(call->session, HELLO, sizeof(HELLO)); /* and TLS's handshake before it */
        call->greeted = result == (int)sizeof(HELLO);
    }
    if (call->greeted)
        while ((result = SSL_read(call->session, heard, sizeof(heard))) > 0)
            ;
    if (pending(call, result))
        return false;
    edge_call_stop(call);
    return true;
}
