/*
 * What is wrong with the meaning of a network document. Shapes (types, ranges of single values) are the loader's business.
 * Every rule lists every breach; none stops another.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proofs/codec/bytes.h"
#include "proofs/codec/sodium.h"
#include "proofs/lane.h"
#include "proofs/message.h"
#include "topology/network.h"
#include "topology/route.h"

struct check {
    const struct topology_network *network;
    struct topology_problem *problems;
    size_t cap, total;
};

/* Adds one problem: `at` is its path, the rest its words. */
__attribute__((format(printf, 3, 4))) static void add(struct check *check, const char *at, const char *format, ...)
{
    if (check->total++ >= check->cap)
        return;
    struct topology_problem *problem = &check->problems[check->total - 1];
    va_list arguments;
    snprintf(problem->path, sizeof problem->path, "%s", at);
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
}

/* "list[index].field", or without the field when it is NULL. */
struct place {
    char text[sizeof((struct topology_problem *)NULL)->path];
};

static struct place place(const char *list, size_t index, const char *field)
{
    struct place at;
    snprintf(at.text, sizeof at.text, "%s[%zu]%s%s", list, index, field ? "." : "", field ? field : "");
    return at;
}

static struct place place_epoch(size_t chain, size_t epoch, const char *field)
{
    struct place at;
    snprintf(at.text, sizeof at.text, "chains[%zu].epochs[%zu].%s", chain, epoch, field);
    return at;
}

/* ---- names and numbers are unique --------------------------------------------------------------------------------- */

/* `names` begins at the first element's text; elements are `stride` bytes apart. */
static void check_unique(struct check *check, const char *list, const char *field, const void *names, size_t stride,
                         size_t len)
{
    for (size_t i = 1; i < len; i++) {
        const char *name = (const char *)names + i * stride;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(name, (const char *)names + j * stride) != 0)
                continue;
            add(check, place(list, i, field).text, "'%s' is already the %s of %s[%zu]", name, field, list, j);
            break;
        }
    }
}

static void check_names(struct check *check)
{
    const struct topology_network *n = check->network;
    check_unique(check, "roots", "name", n->roots ? n->roots->name : NULL, sizeof *n->roots, n->roots_len);
    check_unique(check, "operators", "name", n->operators ? n->operators->name : NULL, sizeof *n->operators,
                 n->operators_len);
    check_unique(check, "chains", "id", n->chains ? n->chains->id : NULL, sizeof *n->chains, n->chains_len);
    check_unique(check, "zones", "name", n->zones ? n->zones->name : NULL, sizeof *n->zones, n->zones_len);
    check_unique(check, "relays", "name", n->relays ? n->relays->name : NULL, sizeof *n->relays, n->relays_len);
    check_unique(check, "lanes", "name", n->lanes ? n->lanes->name : NULL, sizeof *n->lanes, n->lanes_len);
}

/* ---- roots and operators ------------------------------------------------------------------------------------------- */

static bool side_has_root(const struct topology_network *network, uint8_t side)
{
    for (size_t i = 0; i < network->roots_len; i++)
        if (network->roots[i].side == side)
            return true;
    return false;
}

/* A root certifies its own side's operators: one without any mostly means that these have another side's number. Not said where an
 * operator's side has no root: that is the same mistake. */
static void check_sides_used(struct check *check)
{
    const struct topology_network *n = check->network;
    for (size_t i = 0; i < n->operators_len; i++) {
        if (!side_has_root(n, n->operators[i].side))
            return;
    }
    for (size_t i = 0; i < n->roots_len; i++) {
        size_t one = 0;
        while (one < n->operators_len && n->operators[one].side != n->roots[i].side)
            one++;
        if (one == n->operators_len)
            add(check, place("roots", i, "side").text,
                "no operator is of side %u: remove this root, or correct the side of its operators", n->roots[i].side);
    }
}

static void check_roots(struct check *check)
{
    const struct topology_network *n = check->network;
    for (size_t i = 0; i < n->roots_len; i++) {
        if (!codec_sodium_ed25519_public_valid(n->roots[i].key))
            add(check, place("roots", i, "key").text, "is no Ed25519 public key");
        size_t side = 0, key = 0;
        while (n->roots[side].side != n->roots[i].side)
            side++;
        while (memcmp(n->roots[key].key, n->roots[i].key, 32) != 0)
            key++;
        if (side < i)
            add(check, place("roots", i, "side").text, "side %u has already the root '%s': one root a side",
                n->roots[i].side, n->roots[side].name);
        if (key < i)
            add(check, place("roots", i, "key").text, "is the key of root '%s', too: each side keeps its own",
                n->roots[key].name);
    }
    for (size_t i = 0; i < n->operators_len; i++) {
        const struct topology_operator *operator= & n->operators[i];
        if (!side_has_root(n, operator->side))
            add(check, place("operators", i, "side").text,
                "side %u has no root: add it to roots, or correct the number", operator->side);
        size_t first = 0;
        while (n->operators[first].number != operator->number)
            first++;
        if (first < i)
            add(check, place("operators", i, "number").text, "%u is already the number of '%s'", operator->number,
                n->operators[first].name);
    }
    check_sides_used(check);
}

/* ---- chains and epochs --------------------------------------------------------------------------------------------- */

static void check_keys(struct check *check, size_t chain, size_t index)
{
    const struct topology_epoch *epoch = &check->network->chains[chain].epochs[index];
    for (size_t i = 0; i < epoch->keys_len; i++) {
        const struct topology_key *key = &epoch->keys[i];
        size_t first = 0;
        while (memcmp(epoch->keys[first].id, key->id, 32) != 0)
            first++;
        if (first < i)
            add(check, place_epoch(chain, index, "keys").text,
                "a key of operator %u stands here twice, or with operator %u", key->operator_number,
                epoch->keys[first].operator_number);
    }
}

static void check_epoch(struct check *check, size_t chain, size_t index)
{
    const struct topology_chain *c = &check->network->chains[chain];
    const struct topology_epoch *epoch = &c->epochs[index];
    size_t operators = topology_epoch_operators(epoch);
    int survives = topology_epoch_survives(epoch);

    if (index > 0 && epoch->number != c->epochs[index - 1].number + 1)
        add(check, place_epoch(chain, index, "number").text, "epochs follow one another: %llu is expected here",
            (unsigned long long)c->epochs[index - 1].number + 1);
    check_keys(check, chain, index);
    if (operators == 0)
        return; /* the loader said so */
    if (epoch->quorum > operators)
        add(check, place_epoch(chain, index, "quorum").text, "%u of %zu operators can never sign", epoch->quorum,
            operators);
    else if (survives < 0)
        add(check, place_epoch(chain, index, "quorum").text,
            "%u of %zu lets two quorums sign different heads: take %zu or more", epoch->quorum, operators,
            operators / 2 + 1);
    else if (survives < epoch->accept_equivocation)
        add(check, place_epoch(chain, index, "quorum").text,
            "%u of %zu survives %d equivocating operators, %u wanted: raise the quorum, or write accept_equivocation: "
            "%d",
            epoch->quorum, operators, survives, epoch->accept_equivocation, survives);
}

/* What a light client cannot do without; the trust level as CometBFT wants it. */
static void check_light(struct check *check, size_t index)
{
    const struct topology_chain *chain = &check->network->chains[index];
    const struct topology_light_client *light = &chain->light;
    bool is_light = topology_chain_is_light(chain), cosmos = strncmp(chain->id, "cosmos:", 7) == 0;
    uint64_t numerator = light->trust_numerator, denominator = light->trust_denominator;

    if (is_light != cosmos)
        add(check, place("chains", index, "family").text, "%s is %s: chains of family cosmos are called cosmos:...",
            chain->id, is_light ? "no name of this family" : "of family cosmos by its name");
    if (!is_light) {
        if (light->trusting_period)
            add(check, place("chains", index, "light_client").text, "is for chains of family cosmos: remove it");
        return;
    }
    if (!light->trusting_period)
        add(check, place("chains", index, "family").text,
            "cosmos needs light_client, with a trusting_period shorter than the time in which validators can withdraw "
            "their stake");
    else if (denominator == 0 || numerator > denominator || 3 * numerator < denominator)
        add(check, place("chains", index, "light_client.trust_level").text, "%llu/%llu is not within 1/3 and 1",
            (unsigned long long)numerator, (unsigned long long)denominator);
    if (light->trusting_period && light->clock_drift >= light->trusting_period)
        add(check, place("chains", index, "light_client.clock_drift").text,
            "%llu s is not less than the trusting period", (unsigned long long)light->clock_drift);
    if (chain->finality_depth != 0)
        add(check, place("chains", index, "finality_depth").text, "a block of %s is final when it is there: write 0",
            chain->id);
}

static void check_chains(struct check *check)
{
    const struct topology_network *n = check->network;
    for (size_t i = 0; i < n->chains_len; i++) {
        const struct topology_chain *chain = &n->chains[i];
        if (codec_bytes_are_zero(chain->genesis, 32))
            add(check, place("chains", i, "genesis").text, "is zero: give the hash of %s",
                topology_chain_is_light(chain) ? "the first block's header" : "block 0");
        check_light(check, i);
        if (chain->epochs_len == 0)
            add(check, place("chains", i, "epochs").text, "is empty: nobody could attest; give the registry's epoch 1");
        for (size_t j = 0; j < chain->epochs_len; j++)
            check_epoch(check, i, j);
    }
}

/* ---- relays and links ---------------------------------------------------------------------------------------------- */

/* True at the second of several entries that name one chain: so it is said once. */
static bool is_second(const uint16_t *chains, size_t at)
{
    size_t before = 0;
    for (size_t i = 0; i < at; i++)
        before += chains[i] == chains[at];
    return before == 1;
}

static void check_relay(struct check *check, size_t index)
{
    const struct topology_network *n = check->network;
    const struct topology_relay *relay = &n->relays[index];

    if (!codec_sodium_ed25519_public_valid(relay->key))
        add(check, place("relays", index, "key").text, "is no Ed25519 public key");
    size_t first = 0;
    while (memcmp(n->relays[first].key, relay->key, 32) != 0)
        first++;
    if (first < index)
        add(check, place("relays", index, "key").text, "is the key of relay '%s', too: each relay has its own",
            n->relays[first].name);
    for (size_t j = 0; j < relay->serves_len; j++)
        if (is_second(relay->serves, j))
            add(check, place("relays", index, "serves").text, "names %s twice", n->chains[relay->serves[j]].id);
    for (size_t j = 0; j < relay->delivers_len; j++) {
        if (!topology_relay_serves(n, (uint16_t)index, relay->delivers[j]))
            add(check, place("relays", index, "delivers").text, "delivering needs sources of %s: add it to serves",
                n->chains[relay->delivers[j]].id);
        if (is_second(relay->delivers, j))
            add(check, place("relays", index, "delivers").text, "names %s twice", n->chains[relay->delivers[j]].id);
    }
}

static void check_links(struct check *check)
{
    const struct topology_network *n = check->network;
    for (size_t i = 0; i < n->links_len; i++) {
        const struct topology_link *link = &n->links[i];
        if (link->a == link->b)
            add(check, place("links", i, NULL).text, "joins '%s' with itself", n->relays[link->a].name);
        size_t first = 0;
        while (n->links[first].a != link->a || n->links[first].b != link->b)
            first++;
        if (first < i)
            add(check, place("links", i, NULL).text, "'%s' and '%s' are already linked by links[%zu]",
                n->relays[link->a].name, n->relays[link->b].name, first);
    }
}

/* ---- lanes --------------------------------------------------------------------------------------------------------- */

/* How many operators of an epoch have a relay that serves `home`, so that they can attest logs written there. */
static size_t able_operators(const struct topology_network *network, const struct topology_epoch *epoch, uint16_t home)
{
    size_t count = 0;
    for (size_t i = 0; i < network->operators_len; i++) {
        uint16_t number = network->operators[i].number;
        bool member = false, able = false;
        for (size_t j = 0; j < epoch->keys_len; j++)
            member = member || epoch->keys[j].operator_number == number;
        for (size_t j = 0; j < network->relays_len; j++)
            able = able ||
                   (network->relays[j].operator_number == number && topology_relay_serves(network, (uint16_t)j, home));
        count += member && able;
    }
    return count;
}

static void check_direction(struct check *check, size_t lane, const char *what, uint16_t home, uint16_t target)
{
    const struct topology_network *n = check->network;
    const char *from = n->chains[home].id, *to = n->chains[target].id;

    if (!topology_route_chains(n, home, target))
        add(check, place("lanes", lane, NULL).text,
            "no path for its %s: link a relay that serves %s with one that delivers to %s", what, from, to);
    if (n->chains[target].epochs_len == 0)
        return;
    const struct topology_epoch *epoch = &n->chains[target].epochs[n->chains[target].epochs_len - 1];
    size_t able = able_operators(n, epoch, home);
    if (able < epoch->quorum)
        add(check, place("lanes", lane, NULL).text,
            "its %s need %u operators of epoch %llu of %s, but %zu of them have a relay that serves %s", what,
            epoch->quorum, (unsigned long long)epoch->number, to, able, from);
}

static bool same_lane(const struct topology_lane *a, const struct topology_lane *b)
{
    return a->source == b->source && a->destination == b->destination && a->mode == b->mode &&
           a->generation == b->generation && memcmp(a->sender, b->sender, 32) == 0 &&
           memcmp(a->receiver, b->receiver, 32) == 0;
}

static void check_lane(struct check *check, size_t index)
{
    const struct topology_network *n = check->network;
    const struct topology_lane *lane = &n->lanes[index];
    const struct topology_chain *source = &n->chains[lane->source], *destination = &n->chains[lane->destination];

    size_t first = 0;
    while (!same_lane(&n->lanes[first], lane))
        first++;
    if (first < index)
        add(check, place("lanes", index, NULL).text, "is the same lane as '%s': change the generation, or an end",
            n->lanes[first].name);
    if (lane->source == lane->destination)
        add(check, place("lanes", index, "destination").text, "is the source chain, too");
    if (source->suite != destination->suite)
        add(check, place("lanes", index, "destination").text,
            "%s uses %s, %s uses %s: this version joins chains of one suite", source->id,
            proof_suite_name(proof_suite_by_bit(source->suite)), destination->id,
            proof_suite_name(proof_suite_by_bit(destination->suite)));
    if (!(lane->suites & source->suite))
        add(check, place("lanes", index, "suites").text, "lacks %s, the suite of %s",
            proof_suite_name(proof_suite_by_bit(source->suite)), source->id);
    for (unsigned end = 0; end < 2; end++) {
        const struct topology_chain *chain = end ? destination : source;
        if (!(lane->evidence & topology_chain_evidence(chain)))
            add(check, place("lanes", index, "evidence").text, "has no kind that %s gives: add %s", chain->id,
                topology_chain_is_light(chain) ? "ics23" : "slot or receipts");
    }
    if (lane->evidence & ~(topology_chain_evidence(source) | topology_chain_evidence(destination)))
        add(check, place("lanes", index, "evidence").text, "has a kind that neither %s nor %s gives: remove it",
            source->id, destination->id);
    /* Connectors give whole blocks: what an outbox writes in one batch must fit, whatever its suites. */
    uint64_t batch = PROOF_RANGE_MAX * (uint64_t)PROOF_MESSAGE_RECORD_BYTES(PROOF_SUITE_COUNT, lane->payload_max);
    if (lane->window < batch)
        add(check, place("lanes", index, "window").text,
            "%llu bytes are less than the largest batch, %d messages of %u bytes with their fields: a block could stop "
            "the lane; take %llu or more, or lower payload_max",
            (unsigned long long)lane->window, PROOF_RANGE_MAX, lane->payload_max, (unsigned long long)batch);
    if (lane->source != lane->destination && lane->state != TOPOLOGY_LANE_CLOSED) {
        check_direction(check, index, "messages", lane->source, lane->destination);
        check_direction(check, index, "outcomes", lane->destination, lane->source);
    }
}

size_t topology_network_check(struct topology_problem *problems, size_t cap, const struct topology_network *network)
{
    struct check check = {.network = network, .problems = problems, .cap = cap};
    check_names(&check);
    check_roots(&check);
    check_chains(&check);
    for (size_t i = 0; i < network->relays_len; i++)
        check_relay(&check, i);
    check_links(&check);
    for (size_t i = 0; i < network->lanes_len; i++)
        check_lane(&check, i);
    return check.total;
}
