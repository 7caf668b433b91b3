/*
 * mesh_node SELF OWN_PUBLISH OWN_REQUEST PEER PEER_PUBLISH PEER_REQUEST [TLS_FOLDER]: one relay of the scene (0 or 1) with the
 * other as its peer, for tests that need processes. Publishes every 200 ms until it is ended, and prints a line for each
 * thing that happens: `<monotonic ms> up|down|heard <number>`.
 */
#include "tests/integration/mesh/node.h"

int main(int argc, char **argv)
{
    static struct node node;
    static struct urls urls;
    if (argc < 7) {
        fprintf(stderr, "usage: mesh_node SELF OWN_PUBLISH OWN_REQUEST PEER PEER_PUBLISH PEER_REQUEST [TLS_FOLDER]\n");
        return 2;
    }
    scene_init(&node.scene);
    node.self = (uint16_t)strtoul(argv[1], NULL, 10);
    node.silence = NODE_SILENCE;
    uint16_t peer = (uint16_t)strtoul(argv[4], NULL, 10);
    if (node.self > 1 || peer > 1)
        return 2;
    snprintf(urls.publish[node.self][0], NODE_URL, "%s", argv[2]);
    snprintf(urls.request[node.self], NODE_URL, "%s", argv[3]);
    snprintf(urls.publish[peer][0], NODE_URL, "%s", argv[5]);
    snprintf(urls.request[peer], NODE_URL, "%s", argv[6]);
    node.scene.network.zones_len = 1;
    node.scene.network.relays_len = 2;
    if (!node_open(&node, &urls, argc > 7 ? argv[7] : NULL, 0)) {
        fprintf(stderr, "%s\n", node.text);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    unsigned ups = 0, downs = 0;
    uint64_t heard = 0, number = 0, next = 0;
    for (;;) {
        if (node_now() >= next) {
            next = node_now() + 200;
            node_publish(&node, 0, ++number, 100);
        }
        nodes_turn(&node, 1, 20);
        if (node.ups[peer] != ups)
            printf("%llu up %u\n", (unsigned long long)node_now(), ups = node.ups[peer]);
        if (node.heard[peer] != heard)
            printf("%llu heard %llu\n", (unsigned long long)node.when[peer], (unsigned long long)node.last[peer]);
        if (node.downs[peer] != downs)
            printf("%llu down %u\n", (unsigned long long)node_now(), downs = node.downs[peer]);
        heard = node.heard[peer];
    }
}
