/*
 * `isthmus decode` is fed with anything: as a frame, as evidence, and as evidence behind the head that the corpus of
 * evidence has. Whatever comes, each field that is said lies inside the input, and what is accepted is what the relay's own
 * parser accepts.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/frame.h"
#include "tools/isthmus/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool decoded(bool (*decode)(struct decode_out *, struct bytes), struct bytes in, bool json)
{
    char *text = NULL;
    size_t len = 0;
    struct decode_out out = {.stream = open_memstream(&text, &len), .json = json};
    assert(out.stream != NULL);
    bool good = decode(&out, in);
    fclose(out.stream);
    size_t lines = 0;
    for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
        unsigned long long offset = 0, length = 0;
        int read = json ? sscanf(line, "{\"offset\":%llu,\"length\":%llu", &offset, &length)
                        : sscanf(line, "%llu %llu", &offset, &length);
        assert(read == 2 && offset <= in.len && length <= in.len - offset);
    }
    assert(lines == out.fields && lines > 0 && out.depth == 0);
    free(text);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = {data, size};
    struct proof_frame frame;
    struct proof_result result;
    bool accepted = proof_frame_read(&frame, in, &result) && proof_frame_verify(&frame, &result) == PROOF_VALID;
    assert(decoded(decode_frame, in, false) == accepted);
    size_t head = size > 20 ? 21 + 33 * (size_t)(data[20] & 3) : size;
    decoded(decode_evidence, codec_bytes_slice(in, head, size > head ? size - head : 0), size % 2 == 0);
    return 0;
}
