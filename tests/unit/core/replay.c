/* Recording a core's events and the hash of its actions, and running them again. */
#include "tests/unit/core/replay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proofs/codec/keccak.h"
#include "proofs/codec/pack.h"
#include "relay/core/verify.h"

struct step {
    struct relay_event event; /* its bytes and job are owned */
    size_t job;               /* VERIFIED: place among the jobs that the core gave away */
    uint8_t actions[32];      /* hash of what it answered */
};

struct world_record {
    struct relay_core_config config;
    uint8_t first[32]; /* actions of the start */
    struct step *steps;
    size_t steps_len, steps_cap;
    struct relay_verify_job **jobs; /* the core's own pointers, to find their place */
    size_t jobs_len;
    bool begun;
};

struct world_record *replay_new(void)
{
    return calloc(1, sizeof(struct world_record));
}

void replay_free(struct world_record *record)
{
    for (size_t i = 0; record != NULL && i < record->steps_len; i++) {
        free((void *)record->steps[i].event.key.data);
        free((void *)record->steps[i].event.body.data);
        free(record->steps[i].event.job);
    }
    if (record == NULL)
        return;
    free(record->steps);
    free(record->jobs);
    free(record);
}

static void begin(void *context, uint16_t relay, const struct relay_core_config *config)
{
    struct world_record *record = ((struct world_record **)context)[relay];
    if (record == NULL)
        return;
    assert(!record->begun); /* one life a record */
    record->config = *config;
}

static struct bytes copy(struct bytes bytes)
{
    uint8_t *out = malloc(bytes.len + 1);
    if (bytes.len)
        memcpy(out, bytes.data, bytes.len);
    return (struct bytes){out, bytes.len};
}

static void note_event(void *context, uint16_t relay, const struct relay_event *event)
{
    struct world_record *record = ((struct world_record **)context)[relay];
    if (record == NULL)
        return;
    if (record->steps_len == record->steps_cap) {
        record->steps_cap = 2 * record->steps_cap + 64;
        record->steps = reallocarray(record->steps, record->steps_cap, sizeof(*record->steps));
    }
    struct step *step = &record->steps[record->steps_len++];
    *step = (struct step){.event = *event};
    step->event.key = copy(event->key);
    step->event.body = copy(event->body);
    if (event->job == NULL)
        return;
    while (record->jobs[step->job] != event->job)
        step->job++;
    record->jobs[step->job] = NULL;
    step->event.job = malloc(sizeof(*event->job));
    *step->event.job = *event->job;
}

static void pack_bytes(struct codec_pack *pack, struct bytes bytes)
{
    codec_pack_bin(pack, bytes);
}

static void action_pack(struct codec_pack *pack, const struct relay_action *action)
{
    codec_pack_uint(pack, action->type);
    codec_pack_uint(pack, action->id);
    codec_pack_uint(pack, (uint64_t)action->source << 32 | (uint64_t)action->peer << 16 | action->zone);
    pack_bytes(pack, action->body);
    for (size_t i = 0; i < action->ops_len; i++) {
        codec_pack_uint(pack, action->ops[i].type);
        codec_pack_uint(pack, action->ops[i].family);
        pack_bytes(pack, action->ops[i].key);
        pack_bytes(pack, action->ops[i].value);
    }
    codec_pack_uint(pack, action->family);
    pack_bytes(pack, action->from);
    pack_bytes(pack, action->to);
    if (action->job != NULL) {
        codec_pack_uint(pack, action->job->chain);
        codec_pack_uint(pack, action->job->source);
        pack_bytes(pack, BYTES_OF(action->job->account));
        for (size_t i = 0; i < action->job->places_len; i++)
            pack_bytes(pack, BYTES_OF(action->job->places[i].log));
        pack_bytes(pack, action->job->evidence);
    }
    codec_pack_uint(pack, action->level);
    codec_pack_str(pack, action->reason ? action->reason : "");
    codec_pack_str(pack, action->text ? action->text : "");
    codec_pack_uint(pack, action->lane);
    codec_pack_uint(pack, action->sequence);
}

static void actions_hash(uint8_t out[32], const struct relay_action *actions, size_t len)
{
    struct codec_pack pack;
    codec_pack_init(&pack, 64 << 20);
    for (size_t i = 0; i < len; i++)
        action_pack(&pack, &actions[i]);
    assert(!pack.failed);
    codec_keccak256(out, codec_pack_bytes(&pack));
    codec_pack_fini(&pack);
}

static void jobs_note(struct relay_verify_job ***jobs, size_t *count, const struct relay_action *actions, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (actions[i].type != RELAY_ACTION_VERIFY)
            continue;
        *jobs = reallocarray(*jobs, *count + 1, sizeof(**jobs));
        (*jobs)[(*count)++] = actions[i].job;
    }
}

static void note_actions(void *context, uint16_t relay, const struct relay_action *actions, size_t len)
{
    struct world_record *record = ((struct world_record **)context)[relay];
    if (record == NULL)
        return;
    actions_hash(record->begun ? record->steps[record->steps_len - 1].actions : record->first, actions, len);
    record->begun = true;
    jobs_note(&record->jobs, &record->jobs_len, actions, len);
}

struct world_watcher replay_watcher(struct world_record **records)
{
    return (struct world_watcher){.context = records, .started = begin, .event = note_event, .actions = note_actions};
}

static bool same_actions(const struct relay_core *core, const uint8_t expected[32], struct relay_verify_job ***jobs,
                         size_t *count)
{
    size_t len;
    uint8_t hash[32];
    const struct relay_action *actions = relay_core_actions(core, &len);
    actions_hash(hash, actions, len);
    jobs_note(jobs, count, actions, len);
    return memcmp(hash, expected, 32) == 0;
}

size_t replay_run(const struct world_record *record, size_t *steps)
{
    struct relay_core *core = relay_core_new(&record->config);
    struct relay_verify_job **jobs = NULL;
    size_t count = 0, at = 0;
    relay_core_start(core);
    bool same = same_actions(core, record->first, &jobs, &count);
    for (; same && at < record->steps_len; at += same) {
        struct relay_event event = record->steps[at].event;
        if (event.job != NULL) {
            struct relay_verify_job *job = jobs[record->steps[at].job];
            job->verdict = event.job->verdict;
            job->result = event.job->result;
            job->fact = event.job->fact;
            event.job = job;
            jobs[record->steps[at].job] = NULL;
        }
        relay_core_step(core, &event);
        same = same_actions(core, record->steps[at].actions, &jobs, &count);
    }
    for (size_t i = 0; i < count; i++) {
        if (jobs[i] != NULL)
            relay_core_step(core, &(struct relay_event){.type = RELAY_EVENT_VERIFIED, .job = jobs[i]});
    }
    free(jobs);
    relay_core_free(core);
    *steps = record->steps_len;
    return at;
}
