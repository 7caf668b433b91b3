/* An authority and a certificate for each relay of the scene; needs cmocka. */
#ifndef TESTS_INTEGRATION_MESH_CERTIFICATES_H
#define TESTS_INTEGRATION_MESH_CERTIFICATES_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/integration/mesh/node.h"

static inline void openssl(const char *const *arguments)
{
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        execvp("openssl", (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

/* An authority and a certificate for each relay, named after it. */
static inline void make_certificates(const char *folder)
{
    char ca[300], ca_key[300], certificate[300], key[300], request[300], subject[64];
    struct scene scene;
    scene_init(&scene);
    snprintf(ca, sizeof(ca), "%s/ca.crt", folder);
    snprintf(ca_key, sizeof(ca_key), "%s/ca.key", folder);
    openssl((const char *[]){"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                             "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout", ca_key, "-out", ca,
                             NULL});
    for (int i = 0; i < SCENE_RELAYS; i++) {
        snprintf(subject, sizeof(subject), "/CN=%s", scene.relays[i].name);
        snprintf(certificate, sizeof(certificate), "%s/%s.crt", folder, scene.relays[i].name);
        snprintf(key, sizeof(key), "%s/%s.key", folder, scene.relays[i].name);
        snprintf(request, sizeof(request), "%s/request", folder);
        openssl((const char *[]){"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                 "-subj", subject, "-keyout", key, "-out", request, NULL});
        openssl((const char *[]){"openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key,
                                 "-CAcreateserial", "-days", "2", "-out", certificate, NULL});
    }
}

#endif
