/*
 * Seeds for the signer: what a truthful relay asks, what sources that agree on another branch make it ask, and what is
 * answered. In a file of its own because its world and that of the certificates have the same name.
 */
#include <stdio.h>
#include <string.h>

#include "relay/edge/guard.h"
#include "tests/unit/edge/world.h"

void seeds_of_the_signer(void (*put)(const char *target, const char *name, struct bytes seed));

struct scene {
    struct world *world;
    struct edge_guard *guard;
    struct edge_signer *signer;
    void (*put)(const char *target, const char *name, struct bytes seed);
    const char *name;
    unsigned answers;
    uint8_t steps[60000];
    size_t steps_len;
};

static bool answered(void *context, struct bytes message)
{
    struct scene *scene = context;
    char name[64];
    snprintf(name, sizeof name, "answer-%s-%u", scene->name, scene->answers++);
    scene->put("signing", name, message);
    return true;
}

static void step(struct scene *scene, struct bytes message)
{
    uint8_t *at = scene->steps + scene->steps_len;
    at[0] = (uint8_t)(message.len >> 8);
    at[1] = (uint8_t)message.len;
    if (message.len > 0)
        memcpy(at + 2, message.data, message.len);
    scene->steps_len += 2 + message.len;
}

static void ask(struct scene *scene, const char *name, const struct world_mark *marks, const uint64_t *guards,
                size_t count)
{
    static struct world_request request;
    char file[64];
    world_request_make(&request, scene->world, marks, guards, count);
    for (size_t i = 0; i < count; i++)
        memcpy(request.logs[i].prior,
               scene->world->running[marks[i].branch][marks[i].lane][marks[i].kind - 1][guards[i]], 32);
    if (marks[0].number > 3) { /* several heads in one request */
        request.logs[0].heads_len = 2;
        request.logs[0].heads[0] = marks[0].number - 1;
        request.logs[0].heads[1] = marks[0].number;
    }
    struct bytes message = world_request_bytes(&request);
    snprintf(file, sizeof file, "request-%s", name);
    scene->put("signing", file, message);
    step(scene, message);
    scene->name = name;
    edge_signer_request(scene->signer, message, &(struct edge_signer_out){scene, answered});
    world_request_fini(&request);
}

static void flush(struct scene *scene, const char *name)
{
    scene->put("signer", name, (struct bytes){scene->steps, scene->steps_len});
    scene->steps_len = 0;
}

void seeds_of_the_signer(void (*put)(const char *target, const char *name, struct bytes seed))
{
    static struct scene scene;
    char text[256];
    const uint64_t none[4] = {0}, five = 5, late = 41;
    const struct world_mark first = {0, 1, 0, 5}, next = {0, 1, 0, 42}, other = {0, 1, 1, 45};
    const struct world_mark many[] = {{0, 1, 0, 43}, {1, 1, 0, 7}, {2, 3, 0, 20}, {2, 1, 0, 1}};
    scene.world = world_new();
    scene.put = put;
    if (edge_guard_open(&scene.guard, scene.world->folder, scene.world->network.hash, 64, text, sizeof text) !=
        EDGE_GUARD_OK)
        return;
    scene.signer = edge_signer_new(&scene.world->trust, scene.guard);
    ask(&scene, "first", &first, none, 1);
    flush(&scene, "first");
    ask(&scene, "first", &first, none, 1); /* each list of steps begins with an empty guard */
    ask(&scene, "next", &next, &five, 1);
    ask(&scene, "again", &next, &five, 1);
    ask(&scene, "other-branch", &other, &five, 1);
    flush(&scene, "lost-answer-then-other-branch");
    ask(&scene, "many", many, none, 4);
    flush(&scene, "many");
    ask(&scene, "other-first", &other, none, 1);
    step(&scene, (struct bytes){NULL, 0});
    ask(&scene, "late", &next, &late, 1);
    flush(&scene, "other-branch-first-restart-then-truth");
    scene.name = "greeting";
    edge_signer_greet(scene.signer, &(struct edge_signer_out){&scene, answered});
    edge_signer_free(scene.signer);
    edge_guard_close(scene.guard);
    world_free(scene.world);
}
