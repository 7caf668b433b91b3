/*
 * A whole signer, with its guard, asked anything. An input is a list of steps: u16 length, then so many bytes of a request;
 * length 0 restarts the signer from its guard.
 *
 * What must hold besides memory: every signature is over a head of the ledger that the evidence shows (the seeds show two
 * branches of it, both under the agreement of all sources), and whatever is asked in whatever order, all that is signed of a
 * log lies on one branch, in this life or the next (I7).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/edge/log.h"
#include "tests/fuzz/edge/scratch.h"
#include "tests/unit/edge/world.h"

enum { STEPS_MAX = 8 };

static struct world *world;
static struct edge_guard *guard;
static struct edge_signer *signer;
static unsigned excluded[WORLD_LANES][3]; /* branches that do not hold what was signed, as bits */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void up(void)
{
    char text[256];
    require(edge_guard_open(&guard, world->folder, world->network.hash, 64, text, sizeof text) == EDGE_GUARD_OK);
    signer = edge_signer_new(&world->trust, guard);
    require(signer != NULL);
}

static void down(void)
{
    edge_signer_free(signer);
    edge_guard_close(guard);
}

static void world_end(void)
{
    world_free(world);
}

static void begin(void)
{
    static const char *const files[] = {"guard", "signed", "guard.new"};
    char path[300];
    if (world == NULL) {
        fuzz_scratch("signer"); /* so that the world lies in memory, too */
        edge_log_level(RELAY_ALARM);
        world = world_new();
        atexit(world_end);
    }
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", world->folder, files[i]);
        unlink(path);
    }
    memset(excluded, 0, sizeof excluded);
    up();
}

/* It is a head of a branch that holds all that was signed of this log so far. */
static void word(const struct proof_head *head)
{
    unsigned shown = 0;
    for (size_t lane = 0; lane < WORLD_LANES; lane++) {
        for (size_t kind = 0; kind < 3; kind++) {
            if (memcmp(world->lanes[lane].logs[kind], head->log, 32) != 0)
                continue;
            for (size_t branch = 0; branch < WORLD_BRANCHES && head->number <= WORLD_LENGTH; branch++)
                if (memcmp(world->running[branch][lane][kind][head->number], head->running, 32) == 0)
                    shown |= 1u << branch;
            excluded[lane][kind] |= ~shown;
            shown &= ~excluded[lane][kind];
        }
    }
    require(shown != 0 && head->number > 0);
}

static void ask(struct bytes message)
{
    static struct world_answers answers;
    memset(&answers, 0, sizeof answers);
    answers.world = world;
    require(edge_signer_request(signer, message, &(struct edge_signer_out){&answers, world_answer}));
    require(answers.last && answers.attestations + answers.refusals > 0);
    for (size_t i = 0; i < answers.heads_len; i++) {
        const struct edge_guard_row *row = edge_guard_find(guard, answers.heads[i].log);
        require(row != NULL && row->number >= answers.heads[i].number);
        word(&answers.heads[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec_reader reader;
    codec_reader_init(&reader, (struct bytes){data, size});
    begin();
    for (size_t step = 0; step < STEPS_MAX && codec_reader_left(&reader) >= 2; step++) {
        size_t len = codec_read_u16(&reader);
        if (len > codec_reader_left(&reader))
            len = codec_reader_left(&reader);
        if (len > 0) {
            ask(codec_read_bytes(&reader, len));
            continue;
        }
        down();
        up();
    }
    down();
    return 0;
}
