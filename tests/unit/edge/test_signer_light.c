/*
 * A signer that judges evidence of a CometBFT chain by a light client of its own: beside a real core, on a chain that the test
 * makes up.
 */
#include "tests/unit/core/light_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proofs/codec/hex.h"
#include "proofs/frame.h"
#include "relay/edge/signer.h"
#include "relay/edge/trustfile.h"

static char folder[] = "/tmp/isthmus-light-XXXXXX"; /* made for this run */

struct desk { /* a signer and what it said last */
    struct rig *rig;
    struct edge_signer_trust trust;
    struct edge_guard *guard;
    struct edge_signer *signer;
    size_t taken; /* messages of the core that were judged */
    size_t heads, refusals;
    uint64_t height, want;
    char refusal[160];
    bool quiet; /* the core does not hear the answers */
};

static struct rig *clock_rig;

static uint64_t rig_time(void)
{
    return clock_rig->unix_time;
}

static bool heard(void *context, struct bytes message)
{
    struct desk *desk = context;
    struct relay_signing_answer answer;
    assert_true(relay_signing_answer_read(&answer, message));
    switch (answer.type) {
    case RELAY_SIGNING_ATTESTATION: desk->heads++; break;
    case RELAY_SIGNING_REFUSAL:
        desk->refusals++;
        snprintf(desk->refusal, sizeof(desk->refusal), "%.*s", (int)answer.body.len, (const char *)answer.body.data);
        break;
    case RELAY_SIGNING_TRUST:
        desk->height = answer.number;
        desk->want = answer.body.data[7];
        break;
    case RELAY_SIGNING_GUARD: break;
    }
    if (!desk->quiet)
        rig_signed(desk->rig, message);
    return true;
}

static void desk_open(struct desk *desk, struct rig *rig)
{
    char text[512] = "";
    uint8_t id[32] = {1}, *secret;
    size_t place = proof_suites_place(PROOF_SUITES_ALL, PROOF_SUITE_KECCAK256_SECP256K1);
    const struct edge_signer_out out = {desk, heard};
    *desk = (struct desk){.rig = rig};
    clock_rig = rig;
    desk->trust = (struct edge_signer_trust){
        .network = &rig->network, .sources = rig->sources, .sources_len = RIG_SOURCES, .unix_time = rig_time};
    secret = desk->trust.keys[place].secret;
    memset(secret, 0x41, 32);
    assert_true(proof_key_from_secret(&desk->trust.keys[place].key, PROOF_SUITE_KECCAK256_SECP256K1, secret));
    if (edge_guard_open(&desk->guard, folder, id, 16, text, sizeof(text)) != EDGE_GUARD_OK)
        fail_msg("%s", text);
    desk->trust.light = edge_signer_light_new(&rig->network, &rig->first, 1, folder, text, sizeof(text));
    if (desk->trust.light == NULL)
        fail_msg("%s", text);
    desk->signer = edge_signer_new(&desk->trust, desk->guard);
    assert_non_null(desk->signer);
    assert_true(edge_signer_greet(desk->signer, &out));
}

static void desk_close(struct desk *desk)
{
    edge_signer_free(desk->signer);
    edge_signer_light_free(desk->trust.light);
    edge_guard_close(desk->guard);
}

/* The signer judges what the core has sent meanwhile. */
static void desk_work(struct desk *desk)
{
    const struct edge_signer_out out = {desk, heard};
    while (desk->taken < desk->rig->signs_count) {
        size_t i = desk->taken++;
        assert_true(
            edge_signer_request(desk->signer, (struct bytes){desk->rig->signs[i], desk->rig->signs_len[i]}, &out));
    }
}

/* Some seconds, in which the signer judges what comes. */
static void work(struct desk *desk)
{
    for (size_t i = 0; i < 40; i++) {
        rig_run(desk->rig, 100);
        desk_work(desk);
    }
}

static void first_give(struct rig *rig)
{
    struct rig_bundle first;
    rig_block(rig, &first, RIG_FIRST, &rig->set, &rig->set, 0, NULL);
    for (uint16_t i = 0; i < RIG_SOURCES; i++) /* one was asked for the core, the other for the signer */
        rig_header(rig, i, &first);
}

static void prove(struct rig *rig, struct rig_bundle *out, uint64_t height, uint64_t messages)
{
    rig_block(rig, out, height, &rig->set, &rig->set, messages, NULL);
    rig_records(rig, 0, messages, messages);
    rig_evidence(rig, 0, out, messages);
}

static void test_signer_light__signs_what_it_proved_from_the_operators_header(void **state)
{
    struct rig *rig = rig_new(true);
    struct desk desk;
    struct rig_bundle bundle;
    (void)state;
    desk_open(&desk, rig);
    assert_int_equal(desk.height, 0);
    assert_int_equal(desk.want, RIG_FIRST);
    rig_run(rig, 100);
    first_give(rig);
    desk_work(&desk);
    assert_int_equal(desk.height, RIG_FIRST);
    prove(rig, &bundle, 20, 1);
    work(&desk);
    assert_int_equal(desk.heads, 1);
    assert_int_equal(rig_log(rig).attested, 1);
    assert_int_equal(desk.refusals, 0);
    desk_close(&desk);
    rig_free(rig);
}

/* I7: the trust is on disk before the signature leaves; and an old copy of it is only further back. */
static void test_signer_light__its_trust_outlives_it(void **state)
{
    struct rig *rig = rig_new(true);
    struct desk desk;
    struct rig_bundle bundle;
    (void)state;
    desk_open(&desk, rig);
    rig_run(rig, 100);
    first_give(rig);
    prove(rig, &bundle, 20, 1);
    work(&desk);
    assert_int_equal(desk.heads, 1);
    desk_close(&desk);
    desk_open(&desk, rig);
    assert_int_equal(desk.height, 20);
    assert_int_equal(desk.want, 0);
    desk_close(&desk);
    rig->first.height = 15; /* the operator begins anew */
    desk_open(&desk, rig);
    assert_int_equal(desk.height, 0);
    assert_int_equal(desk.want, 15);
    desk_close(&desk);
    rig_free(rig);
}

static void trust_path(char path[128], const struct rig *rig)
{
    char digits[17];
    codec_hex_encode(digits, (struct bytes){rig->chains[0].identity, 8});
    snprintf(path, 128, "%s/trust-%s", folder, digits);
}

/* A trust of two saves: the first header, and the one that evidence led to. */
static struct rig *rig_trusting(struct desk *desk)
{
    struct rig *rig = rig_new(true);
    struct rig_bundle bundle;
    desk_open(desk, rig);
    rig_run(rig, 100);
    first_give(rig);
    prove(rig, &bundle, 20, 1);
    work(desk);
    assert_int_equal(desk->height, 20);
    desk_close(desk);
    return rig;
}

static void flip(const char *path, off_t at)
{
    uint8_t byte = 0;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 1;
    assert_true(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

/* Opened as a signer does at its start: refused with what, where and what to do; and the file stays as it is. */
static void refused(struct rig *rig, const char *path)
{
    char text[512] = "";
    static uint8_t before[300000], after[sizeof(before)];
    int fd = open(path, O_RDONLY);
    ssize_t len = read(fd, before, sizeof(before));
    assert_null(edge_signer_light_new(&rig->network, &rig->first, 1, folder, text, sizeof(text)));
    assert_non_null(strstr(text, path));
    assert_non_null(strstr(text, "damaged or was written by a newer version"));
    assert_non_null(strstr(text, "move this file away"));
    assert_true(len > 0 && pread(fd, after, sizeof(after), 0) == len && memcmp(before, after, (size_t)len) == 0);
    close(fd);
}

static void test_signer_light__torn_trust_is_the_one_before(void **state)
{
    struct desk desk;
    struct rig *rig = rig_trusting(&desk);
    struct stat stat_of;
    char path[128];
    (void)state;
    trust_path(path, rig);
    assert_int_equal(stat(path, &stat_of), 0);
    flip(path, stat_of.st_size - 1); /* the second save went to the second place */
    desk_open(&desk, rig);
    assert_int_equal(desk.height, RIG_FIRST);
    desk_close(&desk);
    assert_int_equal(truncate(path, 60), 0); /* as if the first save had been torn */
    desk_open(&desk, rig);
    assert_int_equal(desk.height, 0);
    assert_int_equal(desk.want, RIG_FIRST);
    desk_close(&desk);
    rig_free(rig);
}

static void test_signer_light__damaged_trust_is_refused_by_name(void **state)
{
    struct desk desk;
    struct rig *rig = rig_trusting(&desk);
    struct stat stat_of;
    char path[128];
    (void)state;
    trust_path(path, rig);
    assert_int_equal(stat(path, &stat_of), 0);
    flip(path, stat_of.st_size - 1);
    flip(path, 60);
    refused(rig, path);
    assert_int_equal(unlink(path), 0); /* what the text says */
    desk_open(&desk, rig);
    assert_int_equal(desk.height, 0);
    desk_close(&desk);
    rig_free(rig);
}

static void test_signer_light__trust_of_an_unknown_version_is_refused_by_name(void **state)
{
    struct desk desk;
    struct rig *rig = rig_trusting(&desk);
    static uint8_t value[EDGE_TRUSTFILE_VALUE_MAX];
    char path[128], text[256];
    (void)state;
    trust_path(path, rig);
    struct edge_trustfile *file = edge_trustfile_open(folder, rig->chains[0].identity, text, sizeof(text));
    assert_non_null(file);
    struct bytes old = edge_trustfile_value(file);
    assert_true(old.len > 0);
    memcpy(value, old.data, old.len);
    value[0]++;
    assert_true(edge_trustfile_save(file, (struct bytes){value, old.len}, text, sizeof(text)));
    edge_trustfile_close(file);
    refused(rig, path);
    flip(path, 0); /* the file itself, too */
    refused(rig, path);
    rig_free(rig);
}

static void test_signer_light__asks_for_the_headers_between(void **state)
{
    struct rig *rig = rig_new(true);
    struct desk desk;
    struct rig_bundle far, half, change;
    (void)state;
    desk_open(&desk, rig);
    rig_run(rig, 100);
    first_give(rig);
    desk_work(&desk);
    rig_block(rig, &far, 30, &rig->other, &rig->other, 1, NULL);
    rig_block(rig, &half, 20, &rig->other, &rig->other, 0, NULL);
    rig_block(rig, &change, 15, &rig->set, &rig->other, 0, NULL);
    rig_records(rig, 0, 1, 1);
    rig_evidence(rig, 0, &far, 1);
    for (size_t i = 0; i < 40 && desk.heads == 0; i++) { /* the sources answer what is asked, by core or signer */
        rig_run(rig, 100);
        desk_work(&desk);
        if (rig->asks_len == 0)
            continue;
        size_t asked = rig->asks_len;
        rig->asks_len = 0;
        for (size_t j = 0; j < asked; j++) {
            uint64_t height = rig->asks[j].height;
            if (height == 20 || height == 15)
                rig_header(rig, rig->asks[j].source, height == 20 ? &half : &change);
        }
    }
    assert_int_equal(desk.heads, 1);
    assert_int_equal(desk.height, 30);
    desk_close(&desk);
    rig_free(rig);
}

/* Its last request is for a head at 20, and was not worked on yet. */
static void desk_asked(struct desk *desk, struct rig *rig)
{
    struct rig_bundle bundle;
    desk_open(desk, rig);
    rig_run(rig, 100);
    first_give(rig);
    prove(rig, &bundle, 20, 1);
    rig_run(rig, 300);
    desk_work(desk); /* the header, which was asked for */
    rig_run(rig, 300);
    assert_true(rig->signs_count > desk->taken);
}

/* A relay that was taken over sends evidence that nobody signed. */
static void test_signer_light__refuses_what_it_cannot_verify(void **state)
{
    struct rig *rig = rig_new(true);
    struct desk desk;
    (void)state;
    desk_asked(&desk, rig);
    size_t last = rig->signs_count - 1;
    uint8_t *message = rig->signs[last];
    for (size_t at = 60; at < 300; at += 7) { /* in the header, which all signatures are over */
        const struct edge_signer_out out = {&desk, heard};
        desk.quiet = true;
        message[at] ^= 1;
        assert_true(edge_signer_request(desk.signer, (struct bytes){message, rig->signs_len[last]}, &out));
        message[at] ^= 1;
    }
    assert_true(desk.refusals > 10);
    assert_int_equal(desk.heads, 0);
    desk.quiet = false;
    desk_work(&desk);
    assert_int_equal(desk.heads, 1);
    desk_close(&desk);
    rig_free(rig);
}

/* The relay's core took evidence of one proof a head; the signer's own document names a store, and demands two. */
static void test_signer_light__refuses_heads_that_lie_elsewhere_than_its_document_says(void **state)
{
    struct rig *rig = rig_new(true);
    struct desk desk;
    (void)state;
    desk_asked(&desk, rig);
    const struct edge_signer_out out = {&desk, heard};
    const struct bytes request = {rig->signs[rig->signs_count - 1], rig->signs_len[rig->signs_count - 1]};
    desk.quiet = true;
    snprintf(rig->chains[0].light.store, sizeof(rig->chains[0].light.store), "isthmus");
    assert_true(edge_signer_request(desk.signer, request, &out));
    assert_int_equal(desk.heads, 0);
    assert_string_equal(desk.refusal, "evidence-refused:evidence-malformed");
    rig->chains[0].light.store[0] = '\0';
    assert_true(edge_signer_request(desk.signer, request, &out));
    assert_int_equal(desk.heads, 1);
    desk_close(&desk);
    rig_free(rig);
}

static void test_signer_light__expired_trust_signs_nothing(void **state)
{
    struct rig *rig = rig_new(true);
    struct desk desk;
    struct rig_bundle bundle;
    (void)state;
    desk_open(&desk, rig);
    rig_run(rig, 100);
    first_give(rig);
    desk_work(&desk);
    prove(rig, &bundle, 20, 1);
    rig_run(rig, 300);
    rig->unix_time += 200000; /* beyond the period of what it trusts */
    desk_work(&desk);
    assert_int_equal(desk.heads, 0);
    assert_string_equal(desk.refusal, "evidence-refused:cometbft-trusting-period-over");
    desk_close(&desk);
    rig_free(rig);
}

static int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/isthmus-light-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
    DIR *all = opendir(folder);
    (void)state;
    for (struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;)
        unlinkat(dirfd(all), entry->d_name, 0); /* of files; its own two names stay */
    closedir(all);
    return rmdir(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_signer_light__##name, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signs_what_it_proved_from_the_operators_header),
        TEST(its_trust_outlives_it),
        TEST(torn_trust_is_the_one_before),
        TEST(damaged_trust_is_refused_by_name),
        TEST(trust_of_an_unknown_version_is_refused_by_name),
        TEST(asks_for_the_headers_between),
        TEST(refuses_what_it_cannot_verify),
        TEST(refuses_heads_that_lie_elsewhere_than_its_document_says),
        TEST(expired_trust_signs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
