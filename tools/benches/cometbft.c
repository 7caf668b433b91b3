/*
 * bench-cometbft FILE [--seconds S]: headers and store proofs a second, of the inputs that peer_cometbft made. Everything is measured from the bytes: reading,
 * hashes, signatures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proofs/cometbft.h"
#include "proofs/cosmos_store.h"
#include "tools/benches/scene.h"

enum { FILE_MAX = 1 << 24, INPUTS_MAX = 256, RUNS_MAX = 1 << 20, VALIDATORS = 200, REPEAT_PROOFS = 100 };

struct input {
    struct bytes name;
    bool is_step;
    struct proof_cometbft_state trusted;
    struct bytes next;
    struct cometbft_parts block;
    struct proof_cometbft_options options;
    struct bytes app_hash, store, key, key_proof, store_proof;
};

static struct input inputs[INPUTS_MAX];
static size_t inputs_len;
static struct proof_cometbft_space *space;

static struct bytes blob(struct codec_reader *reader)
{
    return codec_read_bytes(reader, codec_read_u32(reader));
}

static void read_step(struct input *input, struct codec_reader *reader)
{
    struct cometbft_header header;
    input->is_step = true;
    codec_read_u64(reader); /* Go's verdict: valid */
    blob(reader);
    struct bytes chain_id = blob(reader);
    struct bytes trusted = blob(reader);
    input->next = blob(reader);
    input->block.header = blob(reader);
    input->block.commit = blob(reader);
    input->block.validators = blob(reader);
    input->options.now.seconds = (int64_t)codec_read_u64(reader);
    input->options.now.nanos = (int32_t)codec_read_u64(reader);
    input->options.trusting_period = (int64_t)codec_read_u64(reader);
    input->options.clock_drift = (int64_t)codec_read_u64(reader);
    input->options.trust_numerator = (uint32_t)codec_read_u64(reader);
    input->options.trust_denominator = (uint32_t)codec_read_u64(reader);
    if (!cometbft_header_read(&header, trusted) || !proof_cometbft_state_from(&input->trusted, chain_id, &header))
        scene_die("a trusted header cannot be read");
}

static void read_inputs(const char *path)
{
    static uint8_t data[FILE_MAX];
    struct codec_reader reader;
    FILE *file = fopen(path, "rb");
    if (!file)
        scene_die("the inputs cannot be read");
    codec_reader_init(&reader, (struct bytes){data, fread(data, 1, sizeof data, file)});
    fclose(file);
    while (codec_reader_left(&reader) > 0 && inputs_len < INPUTS_MAX) {
        struct input *input = &inputs[inputs_len++];
        bool is_step = blob(&reader).len == 4;
        input->name = blob(&reader);
        if (is_step) {
            read_step(input, &reader);
            continue;
        }
        input->app_hash = blob(&reader);
        input->store = blob(&reader);
        input->key = blob(&reader);
        input->key_proof = blob(&reader);
        input->store_proof = blob(&reader);
    }
    if (reader.failed || inputs_len == 0)
        scene_die("the inputs are not those of peer_cometbft");
}

static void verify(const struct input *input)
{
    struct proof_result result;
    if (input->is_step) {
        struct proof_cometbft_state fact;
        if (proof_cometbft_step_verify(&result, &fact, space, &input->trusted, input->next, input->block,
                                       &input->options) != PROOF_VALID)
            scene_die("an input is refused: %s", proof_reason_text(result.reason));
        return;
    }
    struct proof_cosmos_fact fact;
    for (int i = 0; i < REPEAT_PROOFS; i++)
        if (proof_cosmos_store_verify(&result, &fact, input->app_hash.data, input->store, input->key, input->key_proof,
                                      input->store_proof) != PROOF_VALID)
            scene_die("an input is refused: %s", proof_reason_text(result.reason));
}

static double processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the inputs [from, to) a second, by the median of many runs over all of them. */
static double rate(size_t from, size_t to, double seconds)
{
    static double runs[RUNS_MAX];
    size_t count = 0;
    double begin = processor_time();
    for (double end = begin + seconds; begin < end && count < RUNS_MAX;) {
        for (size_t i = from; i < to; i++)
            verify(&inputs[i]);
        double now = processor_time();
        runs[count++] = now - begin;
        begin = now;
    }
    qsort(runs, count, sizeof runs[0], compare);
    return (double)((to - from) * (inputs[from].is_step ? 1 : REPEAT_PROOFS)) / runs[count / 2];
}

static int by_name(const void *a, const void *b)
{
    const struct input *x = a;
    const struct input *y = b;
    size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = memcmp(x->name.data, y->name.data, len);
    return order != 0 ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

int main(int argc, char **argv)
{
    double seconds = argc == 4 && strcmp(argv[2], "--seconds") == 0 ? strtod(argv[3], NULL) : 1;
    if (argc != 2 && argc != 4)
        scene_die("usage: bench-cometbft FILE [--seconds S]");
    space = proof_cometbft_space_new(VALIDATORS, 0);
    if (!space)
        scene_die("no memory");
    read_inputs(argv[1]);
    qsort(inputs, inputs_len, sizeof inputs[0], by_name);
    printf("{");
    for (size_t from = 0; from < inputs_len;) {
        size_t to = from + 1;
        while (to < inputs_len && codec_bytes_equal(inputs[to].name, inputs[from].name))
            to++;
        printf("%s\"%.*s\": %.1f", from ? ", " : "", (int)inputs[from].name.len, (const char *)inputs[from].name.data,
               rate(from, to, seconds));
        from = to;
    }
    printf("}\n");
    proof_cometbft_space_free(space);
    return 0;
}
