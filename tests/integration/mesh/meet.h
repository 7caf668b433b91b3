/* Nodes that meet and part, for the tests of the mesh; needs cmocka. */
#ifndef TESTS_INTEGRATION_MESH_MEET_H
#define TESTS_INTEGRATION_MESH_MEET_H

#include "tests/integration/mesh/node.h"

static inline void nodes_init(struct node *nodes, size_t count)
{
    memset(nodes, 0, count * sizeof(*nodes));
    for (size_t i = 0; i < count; i++) {
        scene_init(&nodes[i].scene);
        nodes[i].self = (uint16_t)i;
    }
}

/*
 * DEADLINE is for this process: of the time between two looks no more than a turn's worth counts, so that a machine that stands
 * still for a minute fails nothing. Zeroed it begins.
 */
struct node_patience {
    uint64_t seen, spent; /* ms */
};

static inline bool node_patient(struct node_patience *patience)
{
    uint64_t now = node_now(), passed = patience->seen ? now - patience->seen : 0;
    patience->seen = now;
    patience->spent += passed < 100 ? passed : 100;
    return patience->spent < DEADLINE;
}

/* Turns the loops until the condition holds; fails at the deadline. */
#define RUN_UNTIL(nodes, count, condition)                                                                             \
    do {                                                                                                               \
        struct node_patience patience_ = {0};                                                                          \
        while (!(condition)) {                                                                                         \
            assert_true(node_patient(&patience_));                                                                     \
            nodes_turn(nodes, count, 20);                                                                              \
        }                                                                                                              \
    } while (0)

static inline void beat(struct node *nodes, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        for (uint16_t zone = 0; nodes[i].mesh && zone < 2; zone++)
            assert_true(node_publish(&nodes[i], zone, number, 100));
}

/* Beats until everybody has heard everybody. */
static inline void meet(struct node *nodes, size_t count)
{
    struct node_patience patience = {0};
    for (;;) {
        bool met = true;
        for (size_t i = 0; i < count; i++)
            for (size_t other = 0; other < count; other++)
                met = met && (i == other || nodes[i].heard[other] > 0);
        if (met)
            return;
        assert_true(node_patient(&patience));
        beat(nodes, count, 1);
        for (int turn = 0; turn < 5; turn++)
            nodes_turn(nodes, count, 20);
    }
}

static inline void close_all(struct node *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        node_close(&nodes[i]);
}

#endif
